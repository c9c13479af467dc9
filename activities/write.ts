import { applyChange, imageText, parseImage } from '../src/domain/change.js';
import type { UpdateOutcome } from '../src/domain/state.js';
import { FlyError } from '../src/fly/errors.js';
import type { LaunchBody, Machine, MachineConfig, MachineEvent } from '../src/fly/wire.js';
import { findTrace } from './trace.js';
import type { Update } from './update-machine.js';

/** How long a lost answer is given to show its effect, before each of the two looks. */
const LOOK_AGAIN_MS = 5_000;

export type Written =
  /** Events are left out when the answer was lost and the machine itself told. */
  | { readonly kind: 'written'; readonly version: string; readonly events: readonly MachineEvent[] | undefined }
  | Extract<UpdateOutcome, { kind: 'failed' | 'calledBack' | 'error' }>;

/** Called back between the two sends of a write whose answer was lost. */
const CALLED_BACK_IN_DOUBT = {
  kind: 'error',
  code: 'called_back',
  says: 'called back while nobody could say whether its write took effect',
  retryAfterMs: 5_000,
  inDoubt: true,
} as const;

/** Fly was slow, the process stood still or the first answer was lost: a younger attempt has to write. */
const TOO_OLD = {
  kind: 'error',
  code: 'too_old',
  says: 'took so long before its write that another attempt may be on its way',
  retryAfterMs: 5_000,
} as const;

/**
 * The one write. When its answer is lost, traces of it are looked for twice, five seconds apart, before the same
 * write is sent a second time with the same `current_version`; what is still unclear is left to the next attempt.
 */
export async function writeChange(update: Update, machine: Machine, config: MachineConfig): Promise<Written> {
  const body = bodyFor(update, machine, config);
  const first = await send(update, body, false);
  if (!(first instanceof FlyError)) return first;
  const effect = await lookForEffect(update, machine.instance_id);
  if (effect !== undefined) return effect;
  const second = await send(update, body, true);
  if (!(second instanceof FlyError)) return second;
  const late = await lookForEffect(update, machine.instance_id);
  if (late !== undefined) return late;
  throw second;
}

/**
 * Sends the write once, if it may be sent at all.
 * @param again it was sent before, and its answer was lost: a conflict then may be that one's effect.
 * @returns the error when the answer was lost; certain refusals are thrown.
 */
async function send(
  { app, id, deps, lease, attempt, progress }: Update,
  body: LaunchBody,
  again: boolean,
): Promise<Written | FlyError> {
  attempt.say(again ? 'writes again: the answer was lost and the machine shows no effect' : 'writes');
  await lease.fresh();
  if (attempt.cancelled.aborted) return again ? CALLED_BACK_IN_DOUBT : { kind: 'calledBack' };
  if (!attempt.isAlive()) return { ...TOO_OLD, inDoubt: again };
  try {
    const answer = await deps.fly.updateMachine(app, id, body, lease.nonce());
    progress.inDoubt = true;
    return { kind: 'written', version: answer.instance_id, events: answer.events ?? undefined };
  } catch (error) {
    const isLost = error instanceof FlyError && (error.failure.inDoubt || (again && error.code === 'conflict'));
    if (!isLost) throw error;
    progress.inDoubt = true;
    return error;
  }
}

/** What two looks for traces of the lost write say; undefined when neither finds any. */
async function lookForEffect(update: Update, base: string): Promise<Written | undefined> {
  const { app, id, deps, attempt } = update;
  attempt.say('lost the answer to its write, looks for its traces');
  for (let look = 1; look <= 2; look += 1) {
    await deps.clock.sleep(LOOK_AGAIN_MS);
    const trace = await findTrace(update, await deps.fly.getMachine(app, id), base);
    if (trace.kind === 'written') return { kind: 'written', version: trace.version, events: undefined };
    if (trace.kind === 'failed') return trace;
  }
  return undefined;
}

function bodyFor({ order }: Update, machine: Machine, config: MachineConfig): LaunchBody {
  const { context, n } = order;
  const digest = machine.image_ref?.digest ?? undefined;
  const image = imageText(parseImage(config.image ?? '').image, digest);
  const before = { version: machine.instance_id, state: machine.state, image, digest };
  return {
    config: applyChange(config, { change: context.change, pin: context.pin, rollout: context.rollout, n, before }),
    region: machine.region,
    ...(machine.name ? { name: machine.name } : {}),
    current_version: machine.instance_id,
    // An idle machine stays idle: the platform keeps it so (flyctl PR 4754), and the flag says the same where it does not.
    skip_launch: true,
  };
}
