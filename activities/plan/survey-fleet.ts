import { imageText, parseImage } from '../../src/domain/change.js';
import { ASPECTS, type Aspect, type Parts } from '../../src/domain/differences.js';
import { IDLE, type MachineFacts, type RolloutContext } from '../../src/domain/machine.js';
import { classify } from '../../src/domain/table.js';
import type { Surveyed, Traits } from '../../src/domain/survey.js';
import type { Machine, MachineConfig } from '../../src/fly/wire.js';
import type { Fleet } from './read-fleet.js';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsIn = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? `${value}` : '?');

/** The same text whatever the order of keys; fields that are null or left out say the same (fly-go writes both). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isFields(value)) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, field]) => field !== null && field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

/** Numbers for what is written in configs, so that no value leaves this file. */
function createNumbers(): (value: unknown) => number {
  const numbers = new Map<string, number>();
  return (value) => {
    const text = canonical(value);
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  };
}

/** On unless it is said to be off: answers have `false`, `true` or `"suspend"`, inputs also `"off"` and `"stop"` (fly-go). */
const autostops = (service: Fields): boolean =>
  service['autostop'] !== undefined &&
  service['autostop'] !== null &&
  service['autostop'] !== false &&
  service['autostop'] !== 'off';

/** Left out it is `on-failure`, ten times (Fly's documents, machine config). */
const policyOf = (config: MachineConfig): string => config.restart?.policy || 'on-failure';

function restsOf(config: MachineConfig): Traits['rests'] {
  if ((config.services ?? []).some(autostops)) return 'by autostop';
  return policyOf(config) === 'always' ? 'never' : 'by itself';
}

const serviceName = ({ protocol, internal_port }: Fields): string => `${textOf(protocol)}/${textOf(internal_port)}`;

function guestName(guest: unknown): string {
  if (!isFields(guest)) return 'none written';
  const { cpu_kind, cpus, memory_mb, gpu_kind } = guest;
  const size = `${textOf(cpu_kind)} ${textOf(cpus)} CPU, ${textOf(memory_mb)} MB`;
  return gpu_kind ? `${size}, ${textOf(gpu_kind)}` : size;
}

/** What each aspect names, and what is written there. A mount's volume is its machine's own, and no difference. */
const WRITTEN: Readonly<
  Record<Exclude<Aspect, 'secrets'>, (config: MachineConfig) => readonly (readonly [name: string, is: unknown])[]>
> = {
  env: ({ env }) => Object.entries(env ?? {}),
  mounts: ({ mounts }) => fieldsIn(mounts).map(({ path, size_gb }) => [textOf(path), size_gb]),
  checks: ({ checks }) => Object.entries(checks ?? {}),
  services: ({ services }) => fieldsIn(services).map((service) => [serviceName(service), service]),
  guest: ({ guest }) => [[guestName(guest), guest]],
  restart: (config) => [[policyOf(config), config.restart?.max_retries ?? 10]],
};

/** What a machine runs with, or will at its next start: each secret as it is, or as it was before it was last set. */
const secretsOf = ({ state, bootedAt = Infinity }: MachineFacts, secrets: Fleet['secrets']) =>
  [...secrets].map(([name, setAt]) => [name, IDLE.includes(state) || bootedAt > setAt] as const);

function partsOf(machine: MachineFacts, config: MachineConfig, { numberOf, secrets }: Reading): Parts {
  const writtenAs = (aspect: Aspect) => (aspect === 'secrets' ? secretsOf(machine, secrets) : WRITTEN[aspect](config));
  const part = (aspect: Aspect) => Object.fromEntries(writtenAs(aspect).map(([name, is]) => [name, numberOf(is)]));
  return Object.fromEntries(ASPECTS.map((aspect) => [aspect, part(aspect)])) as Record<Aspect, Record<string, number>>;
}

interface Reading {
  readonly numberOf: (value: unknown) => number;
  readonly secrets: Fleet['secrets'];
}

function imageOf({ config, image_ref }: Machine): string | undefined {
  if (!config?.image) return undefined;
  const named = parseImage(config.image);
  return imageText(named, image_ref?.digest ?? undefined);
}

function traitsOf(machine: Machine, facts: MachineFacts, reading: Reading): Traits {
  const config = machine.config ?? {};
  return {
    image: imageOf(machine),
    cordoned: machine.cordoned === true,
    rests: restsOf(config),
    serves: (config.services ?? []).length > 0,
    keptRunning: (config.services ?? []).some((service) => Number(service['min_machines_running'] ?? 0) > 0),
    parts: partsOf(facts, config, reading),
  };
}

/** Every machine of the list with what a plan tells of it: its standing, and what its config is like, without values. */
export function surveyFleet({ machines, facts, secrets }: Fleet, context: RolloutContext): Surveyed[] {
  const reading = { numberOf: createNumbers(), secrets };
  return facts.flatMap((machine, index) => {
    const listed = machines[index];
    if (listed === undefined) return [];
    return [{ machine, ...classify(machine, context), ...traitsOf(listed, machine, reading) }];
  });
}
