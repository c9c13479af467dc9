import { createHash } from 'node:crypto';
import type { Clock } from '../src/clock.js';
import { type Change, hashOfMark, type ImageName, imageText, parseImage } from '../src/domain/change.js';
import { isInside } from '../src/domain/fleet.js';
import { classify, type MachineFacts, type RolloutContext } from '../src/domain/machine.js';
import { isSelected, type Selection, selectionProblems } from '../src/domain/selection.js';
import type { FlyClient } from '../src/fly/client.js';
import { FlyError } from '../src/fly/errors.js';
import type { DigestAnswer } from '../src/fly/registry.js';
import type { Machine } from '../src/fly/wire.js';
import { parseInput } from '../src/input/parse.js';
import type { RolloutInput } from '../src/input/types.js';
import type { PlanOrder, PlanReport, PlanResult } from './contract.js';
import { factsOf } from './facts.js';
import { findCut } from './find-cut.js';
import { listFleet } from './list-fleet.js';
import { type OwnAppDeps, ownAppProblem } from './own-app.js';

/** The plan says no: every problem at once, each with its way out. Nothing has been written. */
export class Refused extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'Refused';
    this.problems = problems;
  }
}

export interface PlanDeps extends OwnAppDeps {
  readonly fly: FlyClient;
  readonly clock: Clock;
  readonly findDigest: (repository: string, tag: string) => Promise<DigestAnswer>;
  /** Search attributes of Layover that the namespace has. */
  readonly attributes: () => Promise<readonly string[]>;
}

const MOST_MACHINES = 200;

interface Fleet {
  readonly machines: readonly Machine[];
  readonly unlisted: number;
  readonly facts: readonly MachineFacts[];
}

/** Fly's answers about the app itself, as an operator must read them. */
function refuseApp(app: string, error: unknown): never {
  if (!(error instanceof FlyError)) throw error;
  const says: Partial<Record<typeof error.code, string>> = {
    not_found: `app: Fly knows no app "${app}"; look it up with fly apps list`,
    forbidden: `app: "${app}" belongs to another organisation, or the worker's token may not read it; give the worker a token of that organisation`,
    unauthorized: `app: Fly does not accept the worker's token; set FLY_API_TOKEN of the worker to a valid one (fly tokens create deploy -a ${app})`,
  };
  const refusal = says[error.code];
  if (refusal === undefined) throw error;
  throw new Refused([`${refusal} (${error.message})`]);
}

async function readFleet(app: string, change: Change, deps: PlanDeps): Promise<Fleet> {
  try {
    await deps.fly.getApp(app);
    const list = await listFleet(app, { listed: 0, unlisted: 0, trustedAt: 0 }, deps);
    if (list.kind === 'suspect') {
      throw new Refused([
        `app: Fly lists ${list.machines.length} machines of "${app}" where it counts ${list.expected}, three times in a row; start again when the list is whole`,
      ]);
    }
    const { machines, unlisted } = list;
    return { machines, unlisted, facts: machines.map((machine) => factsOf(machine, change)) };
  } catch (error) {
    return refuseApp(app, error);
  }
}

function changeOf(input: RolloutInput): Change {
  return {
    ...(input.image === undefined ? {} : { image: parseImage(input.image) }),
    ...(input.env === undefined ? {} : { env: input.env }),
  };
}

/** What the fleet itself shows of the wanted image: the second-best witness when the registry is silent. */
function digestInFleet(machines: readonly Machine[], image: ImageName): string | undefined {
  const digests = machines.flatMap(({ config, image_ref }) => {
    const own = parseImage(config?.image ?? '');
    const digest = image_ref?.digest;
    if (!digest || own.repository !== image.repository) return [];
    const isWritten = digest === image.digest || own.digest === image.digest;
    return (image.digest === undefined ? own.tag === image.tag : isWritten) ? [digest] : [];
  });
  const [only, other] = [...new Set(digests)];
  return other === undefined ? only : undefined;
}

interface Pinned {
  readonly pin?: string;
  readonly note?: string;
  readonly problem?: string;
}

/** The digest that machines will show; an index's own digest is none, so one that was written is looked up too. */
async function pinImage({ image }: Change, fleet: Fleet, deps: PlanDeps): Promise<Pinned> {
  if (image === undefined) return {};
  const answer = await deps.findDigest(image.repository, image.digest ?? image.tag ?? 'latest');
  if (answer.kind === 'found') return { pin: answer.digest };
  const text = imageText(image, undefined);
  if (answer.kind === 'unknown') {
    return { problem: `image: the registry ${answer.says} ${text}; push it first, or correct the reference` };
  }
  const pin = digestInFleet(fleet.machines, image);
  if (pin !== undefined) return { pin, note: `${answer.says}; pinned to the digest that the fleet runs under ${text}` };
  return { note: `${answer.says}; one machine is updated first, and its digest becomes the pin` };
}

function otherRepository({ image }: Change, { facts }: Fleet, context: RolloutContext): string[] {
  if (image === undefined || context.allowOtherRepository) return [];
  const others = facts.filter(
    (machine) =>
      machine.readable && isInside(classify(machine, context).standing) && machine.repository !== image.repository,
  );
  const [first] = others;
  if (first === undefined) return [];
  const ids = others.slice(0, 5).map((machine) => machine.id);
  return [
    `image: ${others.length} selected machines run another repository (${ids.join(', ')}: ${first.repository ?? ''}) than ${image.repository}; leave them out with "except", correct "image", or say "allowOtherRepository": true`,
  ];
}

function reportOf(context: RolloutContext, fleet: Fleet, target: string, notes: readonly string[]): PlanReport {
  const judged = fleet.facts.map((machine) => ({ machine, ...classify(machine, context) }));
  const counts: Record<string, number> = {};
  for (const { standing } of judged) counts[standing] = (counts[standing] ?? 0) + 1;
  const inside = judged.filter((j) => isInside(j.standing));
  const ready = counts['ready'] ?? 0;
  const headline = `${inside.length} machines selected: ${counts['atTarget'] ?? 0} at target, ${ready} idle and updated first, ${counts['straggler'] ?? 0} working and updated when they stop`;
  return {
    app: context.app,
    target,
    headline,
    counts,
    notes,
    machines: inside.slice(0, MOST_MACHINES).map(({ machine, standing, because }) => ({
      id: machine.id,
      region: machine.region,
      group: machine.group,
      state: machine.state,
      standing,
      because,
    })),
  };
}

/** Twelve hex digits that two starts of the same change share, and two different changes do not. */
function hashOf(change: Change, pin: string | undefined): string {
  const env = Object.entries(change.env ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const image =
    change.image === undefined
      ? null
      : [change.image.repository, pin ?? `unpinned ${imageText(change.image, undefined)}`];
  return createHash('sha256')
    .update(JSON.stringify([image, env]))
    .digest('hex')
    .slice(0, 12);
}

function selectionNotes(context: RolloutContext, fleet: Fleet): string[] {
  const standings = fleet.facts.map((machine) => classify(machine, context).standing);
  const count = (standing: string) => standings.filter((s) => s === standing).length;
  const says: readonly (readonly [string, string])[] = [
    ['unmanaged', 'machines without fly_platform_version=v2 are left ("unmanaged": "include" takes them)'],
    [
      'suspended',
      'suspended machines are left while suspended ("suspended": "update" takes them and loses their memory)',
    ],
    ['containers', 'machines with containers are left: naming a container comes with a later release'],
    ['special', 'machines that Fly or flyctl made for a moment are left'],
    [
      'cut',
      'machines were stopped by the update of an earlier start of this change while at work: they are started again',
    ],
    ['unreachable', 'machines sit on a host that is not ok: they are waited for until the deadline'],
  ];
  return says.flatMap(([standing, text]) => (count(standing) === 0 ? [] : [`${count(standing)} ${text}`]));
}

/** Earlier starts of the same change, which this one continues. */
function earlierStarts({ rollout }: RolloutContext, fleet: Fleet): string[] {
  const marks = fleet.facts.flatMap(({ mark }) =>
    mark !== undefined && hashOfMark(mark) === rollout.hash ? [mark] : [],
  );
  if (marks.length === 0) return [];
  const starts = [...new Set(marks.map((mark) => mark.replace(/#\d+$/, '')))];
  return [
    `continues an earlier start of this change (${starts.slice(0, 5).join(', ')}): ${marks.length} machines carry its mark`,
  ];
}

function contextOf(
  input: RolloutInput,
  change: Change,
  selection: Selection,
  fleet: Fleet,
): Omit<RolloutContext, 'rollout' | 'cut'> {
  const origins = fleet.facts.filter((m) => m.readable && isSelected(selection, m)).map((m) => m.digest ?? '');
  return {
    app: input.app,
    change,
    origins: [...new Set(origins)],
    unread: fleet.facts.filter((m) => !m.readable).map((m) => m.id),
    selection,
    unmanaged: input.unmanaged,
    suspended: input.suspended,
    allowOtherRepository: input.allowOtherRepository,
    healthy: input.healthy,
  };
}

function noteAttributes(attributes: readonly string[]): string[] {
  if (attributes.length > 0) return [];
  return [
    'the namespace has no search attribute FlyApp, FlyImage or RolloutPhase: the rollout runs all the same, lists cannot filter by it',
  ];
}

function refuseEmpty(context: RolloutContext, fleet: Fleet, selected: number): void {
  if (selected > 0) return;
  const notes = selectionNotes(context, fleet).join('; ') || `the app has ${fleet.machines.length} machines`;
  throw new Refused([`only/except: no machine of "${context.app}" is selected; ${notes}`]);
}

/** Everything that Fly and the registry have to say against it, at once. */
async function settleContext(
  input: RolloutInput,
  { fleet, change, start }: { fleet: Fleet; change: Change; start: string },
  deps: PlanDeps,
): Promise<{ context: RolloutContext; note: string | undefined }> {
  const selection: Selection = {
    ...(input.only === undefined ? {} : { only: input.only }),
    ...(input.except === undefined ? {} : { except: input.except }),
  };
  const base = contextOf(input, change, selection, fleet);
  const { pin, note, problem } = await pinImage(change, fleet, deps);
  const named = { ...base, rollout: { hash: hashOf(change, pin), start }, ...(pin === undefined ? {} : { pin }) };
  const context = { ...named, cut: await findCut(fleet.facts, named, deps.fly) };
  const problems = [
    ...selectionProblems(selection, fleet.facts),
    ...(problem === undefined ? [] : [problem]),
    ...otherRepository(change, fleet, context),
  ];
  if (problems.length > 0) throw new Refused(problems);
  return { context, note };
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
  const fleet = await readFleet(input.app, change, deps);
  const { context, note } = await settleContext(input, { fleet, change, start: order.start }, deps);
  const selected = fleet.facts.filter((machine) => isInside(classify(machine, context).standing)).length;
  refuseEmpty(context, fleet, selected);
  const attributes = await deps.attributes();
  const target = [
    change.image && imageText(change.image, context.pin),
    input.env && `env ${Object.keys(input.env).join(', ')}`,
  ]
    .filter((part) => part !== undefined)
    .join(' and ');
  const hidden = `the app counts ${fleet.unlisted} machines more than Fly lists: those are not updated`;
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(fleet.unlisted === 0 ? [] : [hidden]),
    ...earlierStarts(context, fleet),
    ...selectionNotes(context, fleet),
    ...noteAttributes(attributes),
  ];
  const plan = {
    type: input.type,
    context,
    plannedAt: deps.clock.now(),
    deadlineMs: input.deadlineMs,
    maxFailed: input.maxFailed,
    selected,
    listed: fleet.machines.length,
    unlisted: fleet.unlisted,
    target,
    notes,
    attributes,
  };
  return { plan, report: reportOf(context, fleet, target, notes) };
}
