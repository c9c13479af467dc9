import type { Clock } from '../src/clock.js';
import { type Change, hashOfMark, parseImage, type RolloutName, targetText } from '../src/domain/change.js';
import { compileCanary, type RegionCount, regionProblems } from '../src/domain/compile-canary.js';
import { firstOf } from '../src/domain/clip.js';
import { isInside } from '../src/domain/fleet.js';
import { forecast } from '../src/domain/forecast.js';
import type { RolloutContext } from '../src/domain/machine.js';
import { notesOf, standingNotes } from '../src/domain/plan-notes.js';
import { reportPlan } from '../src/domain/report-plan.js';
import type { Plan } from '../src/domain/state.js';
import { wholeStep } from '../src/domain/steps.js';
import type { Surveyed } from '../src/domain/survey.js';
import { BACK_DEADLINE_MS, backPlan } from '../src/domain/turn.js';
import type { FlyClient } from '../src/fly/client.js';
import { parseInput } from '../src/input/parse.js';
import {
  type BackInput,
  type CanaryInput,
  INPUT_TYPES,
  isInputType,
  type RolloutInput,
  type SweepInput,
} from '../src/input/types.js';
import type { PlanOrder, PlanResult } from './contract.js';
import { gateProblems, type Judges } from './judge-gate.js';
import { type OwnAppDeps, ownAppProblem } from './own-app.js';
import type { FindDigest } from './plan/pin-image.js';
import { settleBack } from './plan/plan-back.js';
import { type Fleet, readFleet } from './plan/read-fleet.js';
import { Refused } from './plan/refused.js';
import { settleContext } from './plan/settle-context.js';
import { surveyFleet } from './plan/survey-fleet.js';

/** What a plan reads: it has nothing to write with but the client, and calls no writing method of it. */
export interface PlanDeps extends OwnAppDeps {
  readonly fly: FlyClient;
  readonly clock: Clock;
  readonly findDigest: FindDigest;
  /** Who may be asked at the end of a bake. */
  readonly judges: Judges;
  /** Search attributes of Layover that the namespace has. */
  readonly attributes: () => Promise<readonly string[]>;
}

function changeOf({ image, env }: SweepInput | CanaryInput): Change {
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
function countSelected(fleet: readonly Surveyed[], { app, back }: RolloutContext): number {
  const selected = fleet.filter(({ standing }) => isInside(standing)).length;
  if (selected > 0) return selected;
  const notes = standingNotes(fleet).join('; ') || `the app has ${fleet.length} machines`;
  if (back !== undefined) throw new Refused([`rollout: no machine of "${app}" is left to take back`]);
  throw new Refused([`only/except: no machine of "${app}" is selected; ${notes}`]);
}

/** What a type's own options come to. */
type Own = Pick<Plan, 'steps' | 'onFailure' | 'maxFailed' | 'bootFirst'> &
  Partial<Pick<Plan, 'deadlineMs' | 'forceAfterMs' | 'drainMs' | 'ramp'>>;

function ownOfSweep(input: SweepInput): Own {
  const { deadlineMs, maxFailed, bootFirst, onFailure, forceAfterMs, ramp } = input;
  return {
    steps: [wholeStep('sweep')],
    onFailure,
    deadlineMs,
    maxFailed,
    bootFirst,
    ...(forceAfterMs === undefined ? {} : { forceAfterMs }),
    ...(ramp === 'off' ? {} : { ramp }),
  };
}

/** @throws Refused where a region is named that has no selected machine. */
function ownOfCanary(input: CanaryInput, fleet: readonly Surveyed[], { hash }: RolloutName): Own {
  const counts = regionCounts(fleet);
  const problems = regionProblems(input, counts);
  if (problems.length > 0) throw new Refused(problems);
  const isDone = fleet.every(({ standing }) => !isInside(standing) || standing === 'atTarget');
  const isOurs = fleet.some(({ machine, standing }) => isInside(standing) && hashOfMark(machine.mark) === hash);
  const left = !isDone ? 'updates' : isOurs ? 'last bake' : 'nothing';
  const { onFailure, maxFailed, drainMs, ramp } = input;
  return {
    steps: compileCanary(input, counts, left),
    onFailure,
    maxFailed,
    bootFirst: 0,
    ...(drainMs === undefined ? {} : { drainMs }),
    ...(ramp === 'off' ? {} : { ramp }),
  };
}

function regionCounts(fleet: readonly Surveyed[]): RegionCount[] {
  const counts = new Map<string, number>();
  for (const { machine, standing } of fleet) {
    if (!isInside(standing)) continue;
    const works = machine.state === 'started' && machine.onlyIdle === undefined;
    counts.set(machine.region, (counts.get(machine.region) ?? 0) + (works ? 1 : 0));
  }
  return [...counts].map(([region, working]) => ({ region, working }));
}

const ownOfBack: Own = { ...backPlan, deadlineMs: BACK_DEADLINE_MS, maxFailed: { share: 1 } };

interface Settled {
  readonly context: RolloutContext;
  readonly note: string | undefined;
  readonly listed: Fleet;
}

/** Reads app, fleet and registry, and settles what the rollout will hold on to. */
async function settle(input: SweepInput | CanaryInput, start: string, deps: PlanDeps): Promise<Settled> {
  const change = changeOf(input);
  const listed = await readFleet(input.app, change, deps);
  return { ...(await settleContext(input, { fleet: listed, change, start }, deps)), listed };
}

async function settleRollback(input: BackInput, start: string, deps: PlanDeps): Promise<Settled> {
  const listed = await readFleet(input.app, {}, deps);
  return { context: settleBack(input, listed.facts, start), note: undefined, listed };
}

function ownOf(input: RolloutInput, fleet: readonly Surveyed[], { rollout }: RolloutContext): Own {
  switch (input.type) {
    case 'rollback':
      return ownOfBack;
    case 'stoppedSweep':
      return ownOfSweep(input);
    case 'regionalCanary':
      return ownOfCanary(input, fleet, rollout);
  }
}

function parse({ type, input }: PlanOrder): RolloutInput {
  if (!isInputType(type)) throw new Refused([`type: there is no ${type}; there is ${INPUT_TYPES.join(', ')}`]);
  const parsed = parseInput(type, input);
  if (!parsed.ok) throw new Refused(parsed.problems);
  return parsed.input;
}

/**
 * Parses the input, reads app, fleet and registry, and settles what the rollout will hold on to. It writes nothing,
 * so it may run any number of times.
 * @throws Refused with every problem; FlyError when Fly does not answer.
 */
export async function planRollout(order: PlanOrder, deps: PlanDeps): Promise<PlanResult> {
  const input = parse(order);
  const own = ownAppProblem(input.app, deps);
  if (own !== undefined) throw new Refused([own]);
  const unasked = input.type === 'regionalCanary' ? gateProblems(input.gates, deps.judges) : [];
  if (unasked.length > 0) throw new Refused(unasked);
  const isBack = input.type === 'rollback';
  const { context, note, listed } = isBack
    ? await settleRollback(input, order.start, deps)
    : await settle(input, order.start, deps);
  const fleet = surveyFleet(listed, context);
  const selected = countSelected(fleet, context);
  const silent: Plan = {
    type: input.type,
    context,
    plannedAt: deps.clock.now(),
    ...ownOf(input, fleet, context),
    selected,
    listed: listed.machines.length,
    unlisted: listed.unlisted,
    target: isBack ? `what ran before ${context.back?.hash}` : sayTarget(context),
    notes: [],
    attributes: await deps.attributes(),
  };
  const findings = { fleet, plan: silent, forecast: forecast(listed.facts, silent), pinNote: note };
  const plan = { ...silent, notes: notesOf(findings) };
  return { plan, report: reportPlan({ ...findings, plan }) };
}
