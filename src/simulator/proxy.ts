import { z } from 'zod';
import { boot } from './life.js';
import { planAfter, planPass, unplan } from './planning.js';
import { stop, stopOrderOf } from './stop.js';
import { suspend, whyNotSuspended } from './suspend.js';
import { note, type SimApp, type SimMachine, type World } from './world.js';

/** What the proxy reads of a service (docs, fly-proxy autostop/autostart); answers say `true` for `stop`. */
const Service = z.looseObject({
  autostart: z.boolean().nullish(),
  autostop: z.union([z.boolean(), z.enum(['off', 'stop', 'suspend'])]).nullish(),
  min_machines_running: z.number().nullish(),
});
const Services = z.array(Service);

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

/** A request for a service of these machines: one that runs takes it, else the proxy starts one that may be. */
export function request(world: World, machines: readonly SimMachine[]): void {
  const routed = machines.filter(
    (machine) => !machine.cordoned && machine.host === 'ok' && servicesOf(machine).length > 0,
  );
  const running = routed.find(({ state }) => state === 'started') ?? routed.find(({ state }) => state === 'starting');
  const asleep = routed.filter(({ state }) => state === 'stopped' || state === 'suspended');
  const wakeable = asleep.filter((machine) => servicesOf(machine).some(({ autostart }) => autostart !== false));
  const blocks = world.scenario.switches.leaseBlocksAutostart;
  const taker = running ?? wakeable.find(({ lease }) => lease === undefined || !blocks) ?? wakeable[0];
  if (taker === undefined) return;
  taker.requestedAt = world.now;
  if (taker !== running) autostart(world, taker);
}

/**
 * The proxy stops a machine, or suspends it where its services say so. One that is being replaced stays stopped: it was
 * counted as not running (flyctl PRs 5106 and 5128).
 */
export function autostop(world: World, machine: SimMachine): void {
  if (machine.lease !== undefined && world.scenario.switches.leaseBlocksAutostop) return;
  const { state, replacing } = machine;
  const stoppable = state === 'started' || (state === 'replacing' && replacing?.launch === true);
  if (!stoppable) return;
  note(world, machine, 'autostop', { version: machine.version });
  if (state === 'replacing' && replacing !== undefined) machine.replacing = { ...replacing, launch: false };
  else if (wantsSuspend(machine)) suspend(world, machine, 'proxy');
  else stop(world, machine, { ...stopOrderOf(machine, {}), source: 'proxy' });
}

/**
 * One pass over an app: in each region at most one machine that took no request since the last pass, with another one
 * to spare (or the only one there), and never below `min_machines_running` in the primary region.
 */
export function autostopPass(world: World, app: SimApp): void {
  const since = world.now - (app.autostopMs?.[1] ?? 0);
  const running = app.machines.filter(
    (machine) => machine.state === 'started' && !machine.cordoned && machine.host === 'ok' && stopsByItself(machine),
  );
  for (const region of new Set(running.map((machine) => machine.region))) {
    const here = running.filter((machine) => machine.region === region);
    const idle = here.filter(({ requestedAt }) => (requestedAt ?? -Infinity) < since);
    const [first] = idle;
    const spare = here.length === 1 || idle.length > 1;
    if (first !== undefined && spare && here.length > leastIn(region, first)) autostop(world, first);
  }
  planPass(world, app);
}

function servicesOf({ config }: SimMachine): z.infer<typeof Services> {
  return Services.safeParse(config.services ?? []).data ?? [];
}

function stopsByItself(machine: SimMachine): boolean {
  return servicesOf(machine).some(({ autostop }) => (autostop ?? false) !== false && autostop !== 'off');
}

function wantsSuspend(machine: SimMachine): boolean {
  const asked = servicesOf(machine).some(({ autostop }) => autostop === 'suspend');
  return asked && whyNotSuspended(machine) === undefined;
}

function leastIn(region: string, machine: SimMachine): number {
  if (machine.config.env?.['PRIMARY_REGION'] !== region) return 0;
  return Math.max(0, ...servicesOf(machine).map((service) => service.min_machines_running ?? 0));
}
