import { specOn } from './images.js';
import { z } from 'zod';
import type { CheckStatus, MachineConfig } from '../fly/wire.js';
import { change, iso } from './machine.js';
import { plan, planAfter, unplan } from './planning.js';
import { draw } from './random.js';
import { note, type SimMachine, type World } from './world.js';

const ServiceCheck = z.looseObject({ type: z.string().default('tcp'), port: z.number().optional() });
const Service = z.looseObject({ internal_port: z.number().default(8080) });

/** Names of the results a config leads to: `servicecheck-<2 digits>-<type>-<port>` for checks of services. */
export function checkNames(config: MachineConfig): readonly string[] {
  const names: string[] = [];
  for (const service of config.services ?? []) {
    const { internal_port: servicePort } = Service.parse(service);
    for (const check of service.checks ?? []) {
      const { type, port } = ServiceCheck.parse(check);
      names.push(`servicecheck-${String(names.length).padStart(2, '0')}-${type}-${port ?? servicePort}`);
    }
  }
  return [...Object.keys(config.checks ?? {}), ...names];
}

/** Where the services of a config look for the process. */
export function servicePorts(config: MachineConfig): readonly number[] {
  return (config.services ?? []).map((service) => Service.parse(service).internal_port);
}

/** A freshly started machine has no results at all: no results is not healthy (flyctl WaitForHealthchecksToPass). */
export function beginChecks(world: World, machine: SimMachine): void {
  if (checkNames(machine.config).length > 0) planAfter(world, machine, 'checks-report', 'checksFirstMs');
}

/** No process, no results. */
export function endChecks(world: World, machine: SimMachine): void {
  unplan(machine, 'checks');
  if (machine.checks.length > 0) change(world, machine, { checks: [] });
}

/** The first results: critical until the service has come up. */
export function reportChecks(world: World, machine: SimMachine): void {
  setChecks(world, machine, 'critical');
  if (specOn(machine.image, machine)?.failsChecks !== true) planAfter(world, machine, 'checks-pass', 'checksPassMs');
}

/** The service has come up. */
export function passChecks(world: World, machine: SimMachine): void {
  setChecks(world, machine, 'passing');
  planTurn(world, machine);
}

/** Plans when checks that pass become critical, as far as the image asks for it. */
export function planTurn(world: World, machine: SimMachine): void {
  const course = specOn(machine.image, machine)?.checks;
  if (course === undefined || checkNames(machine.config).length === 0) return;
  const after = 'flapEveryMs' in course ? course.flapEveryMs : course.criticalAfterMs;
  plan(world, machine, 'checks-turn', world.now + draw(machine.random, after));
}

/** Checks that passed are critical from now on; flapping ones the other way round each time. */
export function turnChecks(world: World, machine: SimMachine): void {
  const course = specOn(machine.image, machine)?.checks;
  const passing = machine.checks.every(({ status }) => status === 'passing');
  setChecks(world, machine, passing ? 'critical' : 'passing');
  if (course !== undefined && 'flapEveryMs' in course) planTurn(world, machine);
}

/** Somebody sets the results of a machine that runs; they stay until it boots again. */
export function holdChecks(world: World, machine: SimMachine, status: Status): void {
  unplan(machine, 'checks');
  if (machine.state === 'started') setChecks(world, machine, status);
}

function setChecks(world: World, machine: SimMachine, status: Status): void {
  change(world, machine, { checks: results(machine.config, status, world.now) });
  note(world, machine, 'checks', { checks: status, version: machine.version });
}

type Status = 'critical' | 'warning' | 'passing';

const OUTPUT: Record<Status, string> = {
  passing: '200 OK',
  warning: 'no answer yet',
  critical: 'connect: connection refused',
};

/** The results of all checks of a config, with one status. */
export function results(config: MachineConfig, status: Status, at: number): CheckStatus[] {
  const output = OUTPUT[status];
  return checkNames(config).map((name) => ({ name, status, output, updated_at: iso(at) }));
}
