import type { MachineEvent } from '../fly/wire.js';
import { beginChecks, endChecks } from './checks.js';
import { change, iso, withEvent } from './machine.js';
import { draw } from './random.js';
import { plan, planAfter, unplan } from './planning.js';
import { note, type MachineState, type SimMachine, type World } from './world.js';

/** Restart tries when the config names none (machines docs, "restart policy": on-failure, 10 tries). */
const DEFAULT_RETRIES = 10;

/** The new version was made: pull the image, then boot. */
export function launch(world: World, machine: SimMachine, source: string): void {
  change(world, machine, { state: 'created' });
  machine.startSource = source;
  planAfter(world, machine, 'pulled', 'pullMs');
}

/** Boots what is stopped or suspended. */
export function boot(world: World, machine: SimMachine, source: string): void {
  change(world, machine, { state: 'starting' });
  machine.startSource = source;
  planAfter(world, machine, 'booted', 'bootMs');
}

/** The boot is over: the process runs, its checks and its work begin. */
export function becomeStarted(world: World, machine: SimMachine): void {
  if (machine.image?.spec.failsBoot === true) {
    change(world, machine, { events: withEvent(world, machine, exitEvent(world, machine, { code: 1 })) });
    return rest(world, machine, 'failed');
  }
  const event = { type: 'start', status: 'started', source: machine.startSource };
  change(world, machine, { state: 'started', events: withEvent(world, machine, event) });
  note(world, machine, 'settled', { state: 'started', version: machine.version });
  beginChecks(world, machine);
  beginJob(world, machine, 1);
}

/** Starts the machine's work; `part` is the share of it that is still to be done. */
export function beginJob(world: World, machine: SimMachine, part: number): void {
  const length = machine.image?.spec.exits?.afterMs ?? machine.job?.lengthMs;
  if (length === undefined) return;
  machine.run = { startedAt: world.now, endsAt: world.now + Math.round(draw(machine.random, length) * part) };
  note(world, machine, 'job-started', { version: machine.version });
  plan(world, machine, 'exited', machine.run.endsAt);
}

/** A call ends the machine's work before its time. */
export function cutJob(world: World, machine: SimMachine, why: string): void {
  endChecks(world, machine);
  unplan(machine, 'job');
  if (machine.run === undefined) return;
  machine.run = undefined;
  note(world, machine, 'job-cut', { why, version: machine.version });
}

/** The work is done (or crashed): the exit code its image or job asks for. */
export function endJob(world: World, machine: SimMachine): void {
  const exits = machine.image?.spec.exits;
  exitProcess(world, machine, exits ?? { code: machine.job?.exitCode ?? 0, oom: false });
}

/** The main process ends by itself; the restart policy decides what comes next (machines docs, machine states). */
export function exitProcess(world: World, machine: SimMachine, exit: { code: number; oom: boolean }): void {
  unplan(machine, 'job');
  endChecks(world, machine);
  if (machine.run !== undefined) note(world, machine, 'job-ended', { exitCode: exit.code, version: machine.version });
  machine.run = undefined;
  const restarting = restarts(machine, exit.code);
  machine.restarts = restarting ? machine.restarts + 1 : exit.code === 0 ? 0 : machine.restarts;
  change(world, machine, { events: withEvent(world, machine, exitEvent(world, machine, { ...exit, restarting })) });
  if (!restarting) return rest(world, machine, 'stopped');
  note(world, machine, 'restarted', { exitCode: exit.code, version: machine.version });
  change(world, machine, { state: 'starting' });
  machine.startSource = 'flyd';
  planAfter(world, machine, 'booted', 'restartMs');
}

function restarts(machine: SimMachine, code: number): boolean {
  const { policy, max_retries: retries } = machine.config.restart ?? {};
  if (policy === 'always') return true;
  return (policy ?? 'on-failure') === 'on-failure' && code !== 0 && machine.restarts < (retries ?? DEFAULT_RETRIES);
}

/** Stops a machine that runs; answered at once, done after `stopMs`. */
export function stop(world: World, machine: SimMachine, source: string): void {
  cutJob(world, machine, 'stopped');
  machine.restarts = 0;
  const event = { type: 'stop', status: 'stopping', source };
  change(world, machine, { state: 'stopping', events: withEvent(world, machine, event) });
  planAfter(world, machine, 'came-to-rest', 'stopMs');
}

/** The end of a stop, and of a creation with `skip_launch`. */
export function comeToRest(world: World, machine: SimMachine): void {
  if (machine.state === 'stopping') {
    const event = exitEvent(world, machine, { code: 0, requested: true });
    change(world, machine, { events: withEvent(world, machine, event) });
  }
  rest(world, machine, 'stopped');
}

/** The machine is in a state that lasts. */
export function rest(world: World, machine: SimMachine, state: MachineState): void {
  change(world, machine, { state });
  note(world, machine, 'settled', { state, version: machine.version });
  if (state !== 'stopped') return;
  if (machine.config.auto_destroy === true && machine.events[0]?.type === 'exit')
    return destroy(world, machine, 'flyd');
  awaitTraffic(world, machine);
}

/** The proxy will want it again after (this part of) its idle time, unless it already waits to start it. */
export function awaitTraffic(world: World, machine: SimMachine, part = 1): void {
  const idle = machine.job?.idleMs;
  if (idle === undefined || machine.due.has('autostart') || machine.autostartHeld) return;
  plan(world, machine, 'autostart', world.now + Math.round(draw(machine.random, idle) * part));
}

/** A request came for the machine: the proxy starts it as soon as it may (fly docs, proxy autostop/autostart). */
export function autostart(world: World, machine: SimMachine): void {
  machine.autostartHeld = false;
  unplan(machine, 'autostart');
  if (machine.due.has('transition') && machine.state !== 'starting') {
    return planAfter(world, machine, 'autostart', 'postponeMs');
  }
  if (machine.state !== 'stopped' && machine.state !== 'suspended') return;
  const leased = machine.lease !== undefined && world.scenario.switches.leaseBlocksAutostart;
  if (leased || machine.cordoned) {
    machine.autostartHeld = true;
    return;
  }
  machine.restarts = 0;
  note(world, machine, 'autostart', { version: machine.version });
  boot(world, machine, 'proxy');
}

/** What held the proxy back is gone. */
export function releaseAutostart(world: World, machine: SimMachine): void {
  if (!machine.autostartHeld) return;
  machine.autostartHeld = false;
  planAfter(world, machine, 'autostart', 'postponeMs');
}

/** Destroys a machine, whatever it does. */
export function destroy(world: World, machine: SimMachine, source: string): void {
  if (machine.state === 'destroying') return;
  cutJob(world, machine, 'destroyed');
  unplan(machine, 'autostart');
  machine.autostartHeld = false;
  const event = { type: 'destroy', status: 'destroying', source };
  change(world, machine, { state: 'destroying', events: withEvent(world, machine, event) });
  planAfter(world, machine, 'destroyed', 'destroyMs');
}

/** A destroyed machine stays readable for a while: flyctl reads its last exit event (machines_releasecommand.go). */
export function becomeDestroyed(world: World, machine: SimMachine): void {
  const event = { type: 'destroy', status: 'destroyed', source: 'flyd' };
  change(world, machine, { state: 'destroyed', events: withEvent(world, machine, event) });
  machine.lease = undefined;
  unplan(machine, 'lease');
  note(world, machine, 'destroyed', { version: machine.version });
  planAfter(world, machine, 'gone', 'destroyedReadableMs');
}

interface Exit {
  readonly code: number;
  readonly oom?: boolean;
  readonly restarting?: boolean;
  readonly requested?: boolean;
}

// flyctl reads `request.exit_event` of every exit event unchecked (internal/machine/leasable_machine.go@ad0172f).
function exitEvent(world: World, machine: SimMachine, exit: Exit): Parameters<typeof withEvent>[2] {
  const request: MachineEvent['request'] = {
    exit_event: {
      exit_code: exit.code,
      guest_exit_code: exit.code,
      guest_signal: -1,
      oom_killed: exit.oom ?? false,
      requested_stop: exit.requested ?? false,
      restarting: exit.restarting ?? false,
      signal: -1,
      exited_at: iso(world.now),
    },
    restart_count: machine.restarts,
  };
  return { type: 'exit', status: 'stopped', source: 'flyd', request };
}
