import { hashOfMark, hasImage, wasAtWork } from '../src/domain/change.js';
import type { UpdateEnd, UpdateOutcome } from '../src/domain/outcomes.js';
import { IDLE, isInPlace } from '../src/domain/machine.js';
import { ulidTime } from '../src/domain/ulid.js';
import type { Machine, MachineEvent } from '../src/fly/wire.js';
import { bootMachine } from './boot-machine.js';
import { factsOf } from './facts.js';
import { watchHealth } from './in-place.js';
import { metAtWork } from './met-at-work.js';
import { settle } from './settle.js';
import type { Update } from './update-machine.js';

/** What it runs, where it shows it. */
export const digestOf = (machine: Machine): { digest?: string } => {
  const digest = machine.image_ref?.digest;
  return digest ? { digest } : {};
};

/** The answer's events hold the update's own: without it they would be read as if an older one were ours. */
const tellsOf = (events: readonly MachineEvent[], version: string): boolean =>
  events.some((event) => event.type === 'update' && event.timestamp >= ulidTime(version) - 1_000);

/** The machine after its write: its digest, and its newest events. */
interface After {
  readonly digest: { readonly digest?: string };
  readonly events: readonly MachineEvent[];
  /** Where it was read. */
  readonly machine?: Machine;
}

/** Asks Fly only where the write's answer has not told all. */
async function readAfter(
  { app, id, deps, order }: Update,
  version: string,
  events: readonly MachineEvent[] | undefined,
): Promise<After> {
  const { pin, change } = order.context;
  if (events !== undefined && tellsOf(events, version) && (pin !== undefined || !hasImage(change)))
    return { digest: pin === undefined ? {} : { digest: pin }, events };
  const machine = await deps.fly.getMachine(app, id);
  return { digest: digestOf(machine), events: machine.events ?? events ?? [], machine };
}

/** Who was at work, by its record, and is idle though nothing has stopped it since its update: it had crashed. */
function isToRevive({ context, machine: listed }: Update['order'], machine: Machine): boolean {
  const { mark, metadata, state, life } = factsOf(machine, context.change);
  if (!wasAtWork(metadata) || !IDLE.includes(state)) return false;
  const isOurs = hashOfMark(mark) === context.rollout.hash && life.startedAt === undefined;
  return context.back !== undefined || (isOurs && isInPlace(context, listed));
}

/** Who crashed at its work works again. Whether it had to be started. */
async function revive(update: Update, after: After): Promise<boolean> {
  const { app, id, deps, order, attempt, lease } = update;
  // Of all others it is known that they were idle, and are to be.
  const { crashed, working } = order.machine;
  const mayHave = order.context.back ?? crashed ?? working ?? order.inDoubtSince;
  if (mayHave === undefined) return false;
  const machine = after.machine ?? (await deps.fly.getMachine(app, id));
  if (!isToRevive(order, machine)) return false;
  attempt.say('starts it: it was at work, and had crashed');
  await deps.fly.startMachine(app, id, lease.nonce());
  return true;
}

/**
 * After the write: waits until the new version has settled, and says how it ended. A machine that was started
 * between read and write is started again: an update must leave it as it was.
 * @param events those of the write's answer, where it came and had some. @param pollMs see `pollMsOf`.
 */
export async function conclude(
  update: Update,
  version: string,
  { events, pollMs }: { events?: readonly MachineEvent[] | undefined; pollMs?: number | undefined },
): Promise<UpdateOutcome> {
  const { app, id, deps, order, attempt, lease } = update;
  attempt.say(`waits for version ${version} to settle`);
  const settled = await settle(update, version);
  if (settled.kind !== 'settled') return settled;
  const after = await readAfter(update, version, events);
  const met = metAtWork(after.events);
  if (met === 'stopped by us') {
    attempt.say('starts it again: it was started between our read and our write');
    await deps.fly.startMachine(app, id, lease.nonce());
  }
  const revived = met === 'idle' && (await revive(update, after));
  const interrupted = met !== 'idle';
  const ended: UpdateEnd<'updated'> = { kind: 'updated', version, ...after.digest, wrote: true, interrupted };
  if (isInPlace(order.context, order.machine) && (revived || met !== 'idle'))
    return watchHealth(update, version, { ended, pollMs });
  const hasBooted = order.boot === true && (await bootMachine(update, after.events));
  return hasBooted ? { ...ended, started: true } : ended;
}
