import type { Parts } from '../../src/domain/differences.js';
import { forecast } from '../../src/domain/forecast.js';
import type { MachineFacts, RolloutContext } from '../../src/domain/machine.js';
import { classify } from '../../src/domain/table.js';
import type { Findings } from '../../src/domain/plan-notes.js';
import type { Plan } from '../../src/domain/plan.js';
import type { Surveyed, Traits } from '../../src/domain/survey.js';
import { context, machine, OLD, plan } from './build.js';

const NO_PARTS: Parts = { env: {}, mounts: {}, checks: {}, services: {}, guest: {}, restart: {}, secrets: {} };

export const parts = (more: Partial<Parts>): Parts => ({ ...NO_PARTS, ...more });

type Some = Partial<Traits> & { readonly is?: Partial<MachineFacts>; readonly in?: RolloutContext };

/** A machine as a plan knows it: idle, on v1, like every other one unless told otherwise. */
export function surveyed({ is = {}, in: within = context(), ...traits }: Some = {}): Surveyed {
  const facts = machine(is);
  return {
    machine: facts,
    ...classify(facts, within),
    image: `registry.fly.io/encoder:v1@${OLD}`,
    cordoned: false,
    rests: 'by itself',
    serves: false,
    keptRunning: false,
    parts: NO_PARTS,
    ...traits,
  };
}

/** So many of them, with ids that sort in their order. */
export const some = (count: number, more: Some = {}, prefix = 'a'): Surveyed[] =>
  Array.from({ length: count }, (_, n) =>
    surveyed({ ...more, is: { ...more.is, id: `${prefix}${String(n).padStart(13, '0')}` } }),
  );

/** All that is found of a fleet by a plan that is like the ordinary one unless told otherwise. */
export function findings(fleet: readonly Surveyed[], more: Partial<Plan> = {}, pinNote?: string): Findings {
  const made = plan({ attributes: ['FlyApp'], ...more });
  const facts = fleet.map((one) => one.machine);
  return { fleet, plan: made, forecast: forecast(facts, made), pinNote };
}
