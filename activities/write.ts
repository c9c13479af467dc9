import { applyChange, type Before, imageText, parseImage } from '../src/domain/change.js';
import { HOLD_KEY, holdText } from '../src/domain/hold.js';
import type { UpdateOutcome } from '../src/domain/outcomes.js';
import { isInPlace } from '../src/domain/machine.js';
import { isCrashed } from '../src/domain/members.js';
import { FlyError } from '../src/fly/errors.js';
import type { LaunchBody, Machine, MachineConfig, MachineEvent } from '../src/fly/wire.js';
import { bornAtOf, factsOf } from './facts.js';
import { heldBack, NOT_FOR_SURE } from './held-back.js';
import { knownHold } from './read-machine.js';
import { findTrace } from './trace.js';
import type { Update } from './update-machine.js';
import { configBack } from './way-back.js';

/** How long a lost answer is given to show its effect, before each of the two looks. */
const LOOK_AGAIN_MS = 5_000;

export type Written =
  /** Events are left out when the answer was lost and the machine itself told. */
  | { readonly kind: 'written'; readonly version: string; readonly events: readonly MachineEvent[] | undefined }
  | Extract<UpdateOutcome, { kind: 'failed' | 'calledBack' | 'error' }>;

/** A machine read longer ago than this may have gone to work: a lease may not keep Fly's proxy from starting it. */
export const MOST_READ_AGE_MS = 5_000;

/**
 * The one write, sent once. When its answer is lost, traces of it are looked for twice, five seconds apart; what is
 * still unclear is left to the next attempt, which takes the lease anew (so that a write still on its way is refused),
 * reads the machine again and only then repeats it.
 * @param config what it is made of: the machine's own, or the one that it goes back to. @throws FlyError when Fly refused
 * it, or nobody knows.
 */
export async function writeChange(
  update: Update,
  machine: Machine,
  config: MachineConfig,
  isBack: boolean,
): Promise<Written> {
  const { app, id, deps, lease, attempt, progress } = update;
  const body = bodyFor(update, machine, config, isBack);
  attempt.say('writes');
  await lease.fresh();
  const held = await heldBack(attempt);
  if (held !== undefined) return held;
  if (deps.clock.now() - progress.readAt > MOST_READ_AGE_MS) return NOT_FOR_SURE;
  try {
    const answer = await deps.fly.updateMachine(app, id, body, lease.nonce());
    progress.inDoubt = true;
    return { kind: 'written', version: answer.instance_id, events: answer.events ?? undefined };
  } catch (error) {
    if (!(error instanceof FlyError) || !error.failure.inDoubt) throw error;
    progress.inDoubt = true;
    const effect = await lookForEffect(update, bornAtOf(machine.events ?? []) ?? 0);
    if (effect === undefined) throw error;
    return effect;
  }
}

/** What two looks for traces of the lost write say; undefined when neither finds any. */
async function lookForEffect(update: Update, since: number): Promise<Written | undefined> {
  const { app, id, deps, attempt } = update;
  attempt.say('lost the answer to its write, looks for its traces');
  for (let look = 1; look <= 2; look += 1) {
    await deps.clock.sleep(LOOK_AGAIN_MS);
    const trace = await findTrace(update, await deps.fly.getMachine(app, id), since);
    if (trace.kind === 'written') return { kind: 'written', version: trace.version, events: undefined };
    if (trace.kind === 'failed') return trace;
  }
  return undefined;
}

/** Its update restarts it. */
export const isAtWork = ({ state }: Machine): boolean => state === 'started' || state === 'starting';

function beforeOf({ order, progress }: Update, machine: Machine): Before {
  const digest = machine.image_ref?.digest ?? undefined;
  const wasHeld = knownHold(progress)?.started === true;
  const wasStarted = wasHeld || isCrashed(factsOf(machine, order.context.change), order.context);
  return {
    version: machine.instance_id,
    state: wasStarted ? 'started' : machine.state,
    image: imageText(parseImage(machine.config?.image ?? ''), digest),
    digest,
    inPlace: isInPlace(order.context, order.machine),
  };
}

/** A read that lags shows no hold, and what is not in the body is erased: what we know of it goes in. */
function withHold(config: MachineConfig, progress: Update['progress']): MachineConfig {
  const hold = knownHold(progress);
  if (hold === undefined) return config;
  return { ...config, metadata: { ...config.metadata, [HOLD_KEY]: holdText(hold) } };
}

function bodyFor(update: Update, machine: Machine, config: MachineConfig, isBack: boolean): LaunchBody {
  const { context, n } = update.order;
  const { change, pin, rollout } = context;
  const before = beforeOf(update, machine);
  const written = isBack
    ? configBack(config, update, before)
    : applyChange(config, { change, pin, rollout, n, before });
  return {
    config: withHold(written, update.progress),
    region: machine.region,
    ...(machine.name ? { name: machine.name } : {}),
    current_version: machine.instance_id,
    ...(context.minSecretsVersion === undefined ? {} : { min_secrets_version: context.minSecretsVersion }),
    // An idle machine stays idle: the platform keeps it so (flyctl PR 4754), and the flag says the same where it does not.
    ...(isAtWork(machine) ? {} : { skip_launch: true }),
  };
}
