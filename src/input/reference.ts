import { ELSEWHERE, parseInput } from './parse.js';
import { GROUPS, type Group } from './reference-groups.js';
import { inputSchema } from './schema.js';
import type { InputType } from './types.js';

/** What the page reads of a JSON Schema. */
interface Node {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | false;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly minimum?: number;
  readonly default?: unknown;
  readonly description?: string;
  readonly required?: readonly string[];
}

const code = (text: string): string => `\`${text}\``;
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** JSON in one line, with the spaces that people write. */
const sayJson = (value: unknown): string =>
  JSON.stringify(value, null, 1)
    .replaceAll(/\n\s*/g, ' ')
    .replaceAll(/(?<=\[) | (?=\])/g, '');

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  null: '`null`',
  boolean: '`true` or `false`',
};

/** How a value is written, in words. */
function sayForm(node: Node): string {
  if (node.anyOf !== undefined) return node.anyOf.map(sayForm).join(' or ');
  if (node.const !== undefined) return code(sayJson(node.const));
  if (node.enum !== undefined) return node.enum.map((value) => code(sayJson(value))).join(' or ');
  if (node.type === 'integer') return `whole number from ${node.minimum ?? 0} on`;
  if (node.type === 'array') return `list of ${sayForm(node.items ?? {})}`;
  if (node.properties !== undefined) return 'object';
  if (node.additionalProperties) return `object: name to ${sayForm(node.additionalProperties)}`;
  return [node.type ?? []]
    .flat()
    .map((type) => WORDS[type] ?? type)
    .join(' or ');
}

/** What is taken when it is left out; an object's own options say theirs. */
function sayDefault({ default: value }: Node, isRequired: boolean): string {
  if (isRequired) return 'required';
  return value === undefined || isObject(value) ? '' : code(sayJson(value));
}

/** Rows of the options under a node, and under each of them. */
function rowsOf({ properties = {}, required = [] }: Node, names: readonly string[], above = ''): string[] {
  return names.flatMap((name) => {
    const node = properties[name];
    if (node === undefined) throw new Error(`${above}${name} is no option: correct src/input/reference-groups.ts`);
    const cells = [
      code(`${above}${name}`),
      sayForm(node),
      sayDefault(node, required.includes(name)),
      node.description ?? '',
    ];
    return [row(cells), ...rowsOf(node, Object.keys(node.properties ?? {}), `${above}${name}.`)];
  });
}

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const table = (head: readonly string[], rows: readonly string[]): string[] => [
  row(head),
  row(head.map(() => '---')),
  ...rows,
];

/** What the parser itself says of an input; a row that it takes is a mistake of the page. */
function refusalsOf(type: InputType, input: unknown, written: string): string[] {
  const parsed = parseInput(type, input);
  if (parsed.ok) throw new Error(`${written} is not refused: correct src/input/reference-groups.ts`);
  return parsed.problems.map((problem) => row([written, problem.replaceAll('__', '\\_\\_')]));
}

function sayWritten(added: Readonly<Record<string, unknown>>): string {
  const left = Object.keys(added).filter((key) => added[key] === undefined);
  const none = left.length > 0 ? [`no ${left.map(code).join(', ')}`] : [];
  const some = left.length < Object.keys(added).length ? [code(sayJson(added).slice(2, -2))] : [];
  return [...none, ...some].join(', ');
}

/** One key a line. */
const sayExample = (input: Readonly<Record<string, unknown>>): string =>
  `{\n${Object.entries(input)
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${sayJson(value)}`)
    .join(',\n')}\n}`;

const REFUSED = ['written', 'refused with'];

/** What a type cannot do without stands in every example of its page. */
export const exampleOf = (type: InputType, { input }: Group['examples'][number]): Readonly<Record<string, unknown>> =>
  type === 'processGroup' ? { ...input, groups: input['groups'] ?? GROUPS[type].least['groups'] } : input;

function sayGroup(type: InputType, { title, says, options, examples, refused }: Group, schema: Node): string[] {
  const { least } = GROUPS[type];
  return [
    `## ${title}`,
    '',
    says,
    '',
    ...table(['option', 'written as', 'left out', 'means'], rowsOf(schema, options)),
    '',
    ...examples.flatMap((one) => [`${one.says}:`, '', '```json', sayExample(exampleOf(type, one)), '```', '']),
    ...table(
      REFUSED,
      refused.flatMap((added) => refusalsOf(type, { ...least, ...added }, sayWritten(added))),
    ),
    '',
  ];
}

/** Of any input, whatever its options. */
const anyOf = (least: object): readonly (readonly [written: string, input: unknown])[] => [
  ['a list', []],
  ['`"tiemout": "1h"`', { ...least, tiemout: '1h' }],
  ['`"__proto__": …`, anywhere', JSON.parse('{"app":"encoder","env":{"__proto__":"x"}}')],
  ['more than 32 KiB', { ...least, env: { A: 'x'.repeat(40_000) } }],
];

const sayElsewhere = (type: InputType): string[] =>
  Object.keys(ELSEWHERE[type]).flatMap((name) => refusalsOf(type, { ...GROUPS[type].least, [name]: true }, code(name)));

/** The page of each type's input. */
export const PAGES: Readonly<Record<InputType, string>> = {
  stoppedSweep: 'docs/input.md',
  regionalCanary: 'docs/input-canary.md',
  processGroup: 'docs/input-groups.md',
  rollback: 'docs/input-rollback.md',
};

/**
 * The reference of a type's input as a page: options from the schema that the parser has, and refusals in the parser's
 * own words.
 * @throws Error when an example that is to be refused is none, or a group names what is no option.
 */
export function inputReference(type: InputType): string {
  const schema = inputSchema(type) as Node;
  const { least, groups } = GROUPS[type];
  const lines = [
    `# The input of a ${type}`,
    '',
    'One JSON object: `--input` of a start, or the file of `layover plan`. Every problem is named at once, with its path and',
    `its way out, and nothing is started. \`layover schema ${type}\` prints the JSON Schema, for editors. What else a plan`,
    'refuses, asked of Fly and the registry, stands in [failure modes](failure-modes.md#bad-input).',
    '',
    `Made by \`npm run build && node dist/src/cli/input-reference.js ${type} > ${PAGES[type]}\`; not to be edited by hand.`,
    '',
    ...groups.flatMap((group) => sayGroup(type, group, schema)),
    '## Any input',
    '',
    ...table(
      REFUSED,
      anyOf(least).flatMap(([written, input]) => refusalsOf(type, input, written)),
    ),
    '',
    '## Of other types, or not in this release',
    '',
    'Known, and refused by name:',
    '',
    ...table(REFUSED, sayElsewhere(type)),
  ];
  return `${lines.join('\n')}\n`;
}
