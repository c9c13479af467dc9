import { errorAnswer, json, refuse, type Answer } from '../answers.js';
import { machineOf, type Call } from '../call.js';
import { advance } from '../happenings.js';
import { nextFor } from '../planning.js';
import { isSettled, type SimMachine, type World } from '../world.js';

const STATES = ['started', 'stopped', 'suspended', 'destroyed', 'failed', 'settled'];
/** A wait of 60 seconds was seen to return after about 57. */
const LONGEST_MS = 57_000;
const TIMEOUT_TEXT = 'invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]';

interface Wanted {
  readonly states: readonly string[];
  readonly version: string | undefined;
}

/** GET wait: answers as soon as the machine is in a wanted state, else 408 at the timeout. */
export async function waitForState(call: Call): Promise<Answer | 'cut'> {
  const { world, query, request } = call;
  const deadline = world.now + timeoutOf(query);
  const wanted: Wanted = {
    states: statesOf(query),
    version: query.get('version') ?? query.get('instance_id') ?? undefined,
  };
  for (;;) {
    const machine = machineOf(call);
    const answer = look(world, machine, wanted);
    if (answer !== undefined) return answer;
    if (world.now >= deadline) return late(machine, wanted);
    await untilChange(world, machine, deadline, request.signal);
    if (world.closed || request.signal?.aborted === true) return 'cut';
    advance(world);
  }
}

function timeoutOf(query: URLSearchParams): number {
  const text = query.get('timeout') ?? '60';
  const seconds = Number(text.replace(/s$/, ''));
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 60) throw refuse(400, TIMEOUT_TEXT);
  return Math.min(seconds * 1000, LONGEST_MS);
}

function statesOf(query: URLSearchParams): readonly string[] {
  const states = query.getAll('state').flatMap((text) => text.split(','));
  const unknown = states.find((state) => !STATES.includes(state));
  if (unknown !== undefined) throw refuse(400, `invalid_argument: unknown state '${unknown}'`);
  return states.length > 0 ? states : ['started'];
}

function look(world: World, machine: SimMachine, wanted: Wanted): Answer | undefined {
  if (isReplaced(machine, wanted)) return replaced(world, machine, wanted);
  const reached = wanted.states.includes(machine.state) && machine.state !== 'created';
  if (!reached && !(wanted.states.includes('settled') && isSettled(machine))) return undefined;
  if (!world.scenario.switches.waitAnswersState) return json(200, { ok: true });
  const { state, version, events } = machine;
  return json(200, { ok: true, state, version, event_id: events[0]?.id ?? '' });
}

function isReplaced(machine: SimMachine, { version }: Wanted): boolean {
  return version !== undefined && version !== machine.version;
}

// An old version is `replaced` for ever (machines docs, machine states); flyctl machine/wait.go looks for
// those words.
function replaced(world: World, machine: SimMachine, wanted: Wanted): Answer | undefined {
  const known = machine.versions.some(({ version }) => version === wanted.version);
  if (!known) return errorAnswer(404, 'machine version not found');
  if (world.scenario.switches.waitReplaced === 'times-out') return undefined;
  return errorAnswer(412, `failed_precondition: ${failedText(wanted)}, currently replaced`);
}

function late(machine: SimMachine, wanted: Wanted): Answer {
  const state = isReplaced(machine, wanted) ? 'replaced' : machine.state;
  return errorAnswer(408, `deadline_exceeded: ${failedText(wanted)}, currently ${state}`);
}

function failedText(wanted: Wanted): string {
  return `machine failed to reach desired state, ${wanted.states.join(',')}`;
}

/** Sleeps until something is due for the machine, a call changes it, or the caller goes away. */
async function untilChange(
  world: World,
  machine: SimMachine,
  deadline: number,
  gone: AbortSignal | undefined,
): Promise<void> {
  const woken = new AbortController();
  const wake = () => woken.abort();
  machine.waiters.add(wake);
  gone?.addEventListener('abort', wake, { once: true });
  try {
    const until = Math.min(deadline, nextFor(world, machine) ?? Infinity);
    await world.clock.sleep(until - world.clock.now(), woken.signal);
  } catch (reason) {
    if (!woken.signal.aborted) throw reason;
  } finally {
    machine.waiters.delete(wake);
    gone?.removeEventListener('abort', wake);
  }
}
