import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parseInput } from '../../src/input/parse.js';
import { DESCRIPTIONS, inputSchema } from '../../src/input/schema.js';
import { INPUT_TYPES } from '../../src/input/types.js';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly description?: string;
}

/** Every option of a schema with its description, by its path. */
function optionsOf({ properties = {} }: Node, path = ''): (readonly [path: string, description: string | undefined])[] {
  return Object.entries(properties).flatMap(([name, node]) => {
    const here = `${path}${name}`;
    return [[here, node.description] as const, ...optionsOf(node, `${here}.`)];
  });
}

const schemaOf = (type: (typeof INPUT_TYPES)[number]) => inputSchema(type) as Node & Record<string, unknown>;

describe.each(INPUT_TYPES)('the JSON Schema of %s', (type) => {
  const schema = schemaOf(type);
  const validate = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true }).compile(schema);

  test('describes every option: a new one needs a row in DESCRIPTIONS of src/input/schema.ts', () => {
    expect(optionsOf(schema).filter(([, says]) => says === undefined)).toEqual([]);
  });

  const isChange = type !== 'rollback';
  const own = type === 'processGroup' ? { groups: ['worker', 'approval', { group: 'zk', maxUnavailable: 1 }] } : {};
  const INPUTS: readonly (readonly [input: object, ok: boolean])[] = [
    [{ app: 'encoder', image: 'registry.fly.io/encoder:v42' }, isChange],
    [{ app: 'encoder', env: { LOG: 'debug', OLD: null } }, isChange],
    [{ app: 'encoder', image: 'a:b', only: { regions: ['ord'], metadata: { tier: 'gold' } }, maxFailed: 3 }, isChange],
    [{ app: 'encoder', image: 'a:b', healthy: { for: '10s' }, ifRunning: 'wait', maxFailed: '10%' }, isChange],
    [{ app: 'encoder', ifRunning: 'wait' }, !isChange],
    [{ image: 'a:b' }, false],
    [{ app: 'En coder', image: 'a:b' }, false],
    [{ app: 'encoder', image: 'a b' }, false],
    [{ app: 'encoder', image: 'a:b', tiemout: '1m' }, false],
    [{ app: 'encoder', image: 'a:b', unmanaged: 'take' }, false],
    [{ app: 'encoder', image: 'a:b', dryRun: 'yes' }, false],
    [{ app: 'encoder', image: 'a:b', only: { regions: 'ord' } }, false],
    [{ app: 'encoder', env: { LOG: 1 } }, false],
  ];

  test.each(INPUTS)('and the parser agree on %j', (written, ok) => {
    const input = { ...written, ...own };
    // What a schema cannot say, that there is something to change, the parser says.
    expect(validate(input) || !ok).toBe(true);
    expect(parseInput(type, input).ok).toBe(ok);
  });
});

test('no description is left of an option that is gone', () => {
  const options = INPUT_TYPES.flatMap((type) => optionsOf(schemaOf(type)).map(([path]) => path));
  expect(Object.keys(DESCRIPTIONS).filter((path) => !options.includes(path))).toEqual([]);
});
