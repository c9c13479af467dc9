import type { Clock } from '../src/clock.js';
import { type Change, parseImage, targetText } from '../src/domain/change.js';
import { firstOf } from '../src/domain/clip.js';
import { isInside } from '../src/domain/fleet.js';
import { forecast } from '../src/domain/forecast.js';
import type { RolloutContext } from '../src/domain/machine.js';
import { notesOf, standingNotes } from '../src/domain/plan-notes.js';
import { reportPlan } from '../src/domain/report-plan.js';
import type { Surveyed } from '../src/domain/survey.js';
import type { FlyClient } from '../src/fly/client.js';
import { parseInput } from '../src/input/parse.js';
import type { RolloutInput } from '../src/input/types.js';
import type { PlanOrder, PlanResult } from './contract.js';
import { type OwnAppDeps, ownAppProblem } from './own-app.js';
import type { FindDigest } from './plan/pin-image.js';
import { readFleet } from './plan/read-fleet.js';
import { Refused } from './plan/refused.js';
import { settleContext } from './plan/settle-context.js';
import { surveyFleet } from './plan/survey-fleet.js';

/** What a plan reads: it has nothing to write with but the client, and calls no writing method of it. */
export interface PlanDeps extends OwnAppDeps {
  readonly fly: FlyClient;
  readonly clock: Clock;
  readonly findDigest: FindDigest;
  /** Search attributes of Layover that the namespace has. */
  readonly attributes: () => Promise<readonly string[]>;
}

function changeOf({ image, env }: RolloutInput): Change {
  const changed = env === undefined ? {} : { env };
  if (image === undefined) return changed;
  if (typeof image === 'string') return { image: parseImage(image), ...changed };
  const containers = Object.entries(image).map(([name, reference]) => [name, parseImage(reference)] as const);
  return { containers: Object.fromEntries(containers), ...changed };
}

/** What is to be different, by name: no value of an env. */
const sayTarget = ({ change, pin }: RolloutContext): string =>
  [targetText(change, pin), change.env && `env ${firstOf(Object.keys(change.env), 20)}`]
    .filter((part) => part !== undefined)
    .join(' and ');

/** How many machines are selected: none is an error, never "all". */
function countSelected(fleet: readonly Surveyed[], app: string): number {
  const selected = fleet.filter(({ standing }) => isInside(standing)).length;
  if (selected > 0) return selected;
  const notes = standingNotes(fleet).join('; ') || `the app has ${fleet.length} machines`;
  throw new Refused([`only/except: no machine of "${app}" is selected; ${notes}`]);
}

/**
 * Parses the input, reads app, fleet and registry, and settles what the rollout will hold on to. It writes nothing,
 * so it may run any number of times.
 * @throws Refused with every problem; FlyError when Fly does not answer.
 */
export async function planRollout(order: PlanOrder, deps: PlanDeps): Promise<PlanResult> {
  const parsed = parseInput(order.input);
  if (!parsed.ok) throw new Refused(parsed.problems);
  const { input } = parsed;
  const own = ownAppProblem(input.app, deps);
  if (own !== undefined) throw new Refused([own]);
  const change = changeOf(input);
  const listed = await readFleet(input.app, change, deps);
  const { context, note } = await settleContext(input, { fleet: listed, change, start: order.start }, deps);
  const fleet = surveyFleet(listed, context);
  const silent = {
    type: input.type,
    context,
    plannedAt: deps.clock.now(),
    deadlineMs: input.deadlineMs,
    maxFailed: input.maxFailed,
    bootFirst: input.bootFirst,
    ...(input.forceAfterMs === undefined ? {} : { forceAfterMs: input.forceAfterMs }),
    ...(input.ramp === 'off' ? {} : { ramp: input.ramp }),
    selected: countSelected(fleet, input.app),
    listed: listed.machines.length,
    unlisted: listed.unlisted,
    target: sayTarget(context),
    notes: [],
    attributes: await deps.attributes(),
  };
  const findings = { fleet, plan: silent, forecast: forecast(listed.facts, silent), pinNote: note };
  const plan = { ...silent, notes: notesOf(findings) };
  return { plan, report: reportPlan({ ...findings, plan }) };
}
