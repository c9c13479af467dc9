import type { Clock } from '../src/clock.js';
import { hashOfMark, type RolloutName, targetText } from '../src/domain/change.js';
import { compileCanary, regionProblems } from '../src/domain/compile-canary.js';
import { compileGroups, groupProblems } from '../src/domain/compile-groups.js';
import { groupBy } from '../src/domain/group-by.js';
import type { Left } from '../src/domain/late-steps.js';
import { firstOf } from '../src/domain/clip.js';
import { iso } from '../src/domain/iso.js';
import { isInside } from '../src/domain/fleet.js';
import { forecast } from '../src/domain/forecast.js';
import type { MachineFacts, RolloutContext } from '../src/domain/machine.js';
import { notesOf, standingNotes } from '../src/domain/plan-notes.js';
import { reportPlan } from '../src/domain/report-plan.js';
import type { Plan } from '../src/domain/plan.js';
import { wholeStep } from '../src/domain/steps.js';
import type { Surveyed } from '../src/domain/survey.js';
import { BACK_DEADLINE_MS, backPlan } from '../src/domain/turn.js';
import type { FlyClient } from '../src/fly/client.js';
import { parseInput } from '../src/input/parse.js';
import {
  type BackInput,
  type CanaryInput,
  type ForwardInput,
  type GroupInput,
  INPUT_TYPES,
  isInputType,
  type RolloutInput,
  type SweepInput,
} from '../src/input/types.js';
import type { PlanOrder, PlanResult } from './contract.js';
import { findCut } from './find-cut.js';
import { gateProblems, type Judges } from './judge-gate.js';
import { type OwnAppDeps, ownAppProblem } from './own-app.js';
import type { FindDigest } from './plan/pin-image.js';
import { settleBack } from './plan/plan-back.js';
import { type Fleet, readFleet } from './plan/read-fleet.js';
import { Refused } from './plan/refused.js';
import { settleChange } from './plan/settle-change.js';
import { settleContext } from './plan/settle-context.js';
import { surveyFleet } from './plan/survey-fleet.js';

/** What a plan reads: it has nothing to write with but the client, and calls no writing method of it. */
export interface PlanDeps extends OwnAppDeps {
  readonly fly: FlyClient;
  readonly clock: Clock;
  readonly findDigest: FindDigest;
  /** Who may be asked at the end of a bake. */
  readonly judges: Judges;
  /** Who is told of rollouts. */
  readonly sinkNames: readonly string[];
  /** Search attributes of Layover that the namespace has. */
  readonly attributes: () => Promise<readonly string[]>;
}

/** What is to be different, by name: no value of an env. */
const sayTarget = ({ change, pin }: RolloutContext): string =>
  [
    targetText(change, pin),
    change.env && `env ${firstOf(Object.keys(change.env), 20)}`,
    change.startedSince && `a start since ${iso(change.startedSince)}`,
  ]
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
  Partial<Pick<Plan, 'deadlineMs' | 'forceAfterMs' | 'drainMs' | 'ramp' | 'maxMixedMs'>>;

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

/** An earlier start of the change may have done all, and ended in its last bake. */
function leftOf(fleet: readonly Surveyed[], { hash }: RolloutName): Left {
  const isDone = fleet.every(({ standing }) => !isInside(standing) || standing === 'atTarget');
  if (!isDone) return 'updates';
  const isOurs = fleet.some(({ machine, standing }) => isInside(standing) && hashOfMark(machine.mark) === hash);
  return isOurs ? 'last bake' : 'nothing';
}

/** The options of a type that updates working machines where they are. @throws Refused where a name has no machine. */
function ownInPlace(input: CanaryInput | GroupInput, fleet: readonly Surveyed[], rollout: RolloutName): Own {
  const { onFailure, maxFailed, drainMs, ramp } = input;
  return {
    steps: input.type === 'regionalCanary' ? canarySteps(input, fleet, rollout) : groupSteps(input, fleet, rollout),
    onFailure,
    maxFailed,
    bootFirst: 0,
    ...(drainMs === undefined ? {} : { drainMs }),
    ...(ramp === 'off' ? {} : { ramp }),
  };
}

function canarySteps(input: CanaryInput, fleet: readonly Surveyed[], rollout: RolloutName): Plan['steps'] {
  const counts = workingBy(fleet, ({ region }) => region).map(([region, working]) => ({ region, working }));
  refuseIf(regionProblems(input, counts));
  return compileCanary(input, counts, leftOf(fleet, rollout));
}

function groupSteps(input: GroupInput, fleet: readonly Surveyed[], rollout: RolloutName): Plan['steps'] {
  const there = fleet.flatMap(({ standing, machine }) => (isInside(standing) ? [machine.group] : []));
  refuseIf(groupProblems(input, [...new Set(there)]));
  return compileGroups(input, leftOf(fleet, rollout));
}

function refuseIf(problems: readonly string[]): void {
  if (problems.length > 0) throw new Refused(problems);
}

/** How many of the selected machines work, by what they are counted under. */
function workingBy(
  fleet: readonly Surveyed[],
  keyOf: (machine: MachineFacts) => string,
): (readonly [string, number])[] {
  const inside = fleet.filter(({ standing }) => isInside(standing)).map(({ machine }) => machine);
  const works = ({ state, onlyIdle }: MachineFacts) => state === 'started' && onlyIdle === undefined;
  return [...groupBy(inside, keyOf)].map(([key, kin]) => [key, kin.filter(works).length] as const);
}

const ownOfBack: Own = { ...backPlan, deadlineMs: BACK_DEADLINE_MS, maxFailed: { share: 1 } };

interface Settled {
  readonly context: RolloutContext;
  readonly note: string | undefined;
  readonly listed: Fleet;
}

/** Reads app, fleet and registry, and settles what the rollout will hold on to. */
async function settle(input: ForwardInput, start: string, deps: PlanDeps): Promise<Settled> {
  const listed = await readFleet(input.app, () => settleChange(input, deps.fly), deps);
  return { ...(await settleContext(input, { fleet: listed, start }, deps)), listed };
}

async function settleRollback(input: BackInput, start: string, deps: PlanDeps): Promise<Settled> {
  const listed = await readFleet(input.app, () => Promise.resolve({}), deps);
  const context = settleBack(input, listed.facts, start);
  const cut = await findCut(listed.facts, context, deps.fly);
  return { context: { ...context, cut }, note: undefined, listed };
}

function ownOf(input: RolloutInput, fleet: readonly Surveyed[], { rollout }: RolloutContext): Own {
  switch (input.type) {
    case 'rollback':
      return ownOfBack;
    case 'stoppedSweep':
      return ownOfSweep(input);
    case 'regionalCanary':
    case 'processGroup':
      return ownInPlace(input, fleet, rollout);
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
  refuseIf('gates' in input ? gateProblems(input.gates, deps.judges) : []);
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
    ...('maxMixedMs' in input && input.maxMixedMs !== undefined ? { maxMixedMs: input.maxMixedMs } : {}),
    selected,
    listed: listed.machines.length,
    unlisted: listed.unlisted,
    target: isBack ? `what ran before ${context.back?.hash}` : sayTarget(context),
    notes: [],
    attributes: await deps.attributes(),
    ...(deps.sinkNames.length === 0 ? {} : { sinks: deps.sinkNames }),
    ...(input.source === undefined ? {} : { source: input.source }),
  };
  const findings = { fleet, plan: silent, forecast: forecast(listed.facts, silent), pinNote: note };
  const plan = { ...silent, notes: notesOf(findings) };
  return { plan, report: reportPlan({ ...findings, plan }) };
}
