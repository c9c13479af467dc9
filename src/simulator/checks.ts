import { z } from 'zod';
import type { CheckStatus, MachineConfig } from '../fly/wire.js';
import { change, iso } from './machine.js';
import { planAfter, unplan } from './planning.js';
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
  if (machine.image?.spec.failsChecks !== true) planAfter(world, machine, 'checks-pass', 'checksPassMs');
}

export function passChecks(world: World, machine: SimMachine): void {
  setChecks(world, machine, 'passing');
}

function setChecks(world: World, machine: SimMachine, status: 'critical' | 'passing'): void {
  change(world, machine, { checks: results(machine.config, status, world.now) });
  note(world, machine, 'checks', { checks: status, version: machine.version });
}

export function results(config: MachineConfig, status: 'critical' | 'passing', at: number): CheckStatus[] {
  const output = status === 'passing' ? '200 OK' : 'connect: connection refused';
  return checkNames(config).map((name) => ({ name, status, output, updated_at: iso(at) }));
}
