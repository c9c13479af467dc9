import { createHash } from 'node:crypto';
import { type Change, hashOfMark, hasImage, repositoryOf, targetText } from '../../src/domain/change.js';
import { namedGroups, ownRules } from '../../src/domain/compile-groups.js';
import { isInside } from '../../src/domain/fleet.js';
import type { RolloutContext } from '../../src/domain/machine.js';
import { classify } from '../../src/domain/table.js';
import { isSelected, type Selection, selectionProblems } from '../../src/domain/selection.js';
import type { FlyClient } from '../../src/fly/client.js';
import type { ForwardInput, NonEmpty, Selector } from '../../src/input/types.js';
import { findCut } from '../find-cut.js';
import { type FindDigest, pinChange } from './pin-image.js';
import type { Fleet } from './read-fleet.js';
import { Refused } from './refused.js';

function otherRepository(change: Change, { facts }: Fleet, context: RolloutContext): string[] {
  if (!hasImage(change) || context.allowOtherRepository) return [];
  const wanted = repositoryOf(change);
  const others = facts.filter(
    (machine) => machine.readable && isInside(classify(machine, context).standing) && machine.repository !== wanted,
  );
  const [first] = others;
  if (first === undefined) return [];
  const ids = others.slice(0, 5).map((machine) => machine.id);
  return [
    `image: ${others.length} selected machines run another repository (${ids.join(', ')}: ${first.repository ?? ''}) than ${wanted}; leave them out with "except", correct "image", or say "allowOtherRepository": true`,
  ];
}

/**
 * A start whose registry was silent had to go by the tag: one that knows the digest, and finds it where that start has
 * been, goes on under the same name, so that what both have written is one change.
 */
function nameOfChange(change: Change, pin: string | undefined, { facts }: Fleet): string {
  const own = hashOf(change, pin);
  const unpinned = hashOf(change, undefined);
  const wrote = (hash: string) => facts.some(({ mark, digest }) => hashOfMark(mark) === hash && digest === pin);
  return pin !== undefined && !wrote(own) && wrote(unpinned) ? unpinned : own;
}

/** Twelve hex digits that two starts of the same change share, and two different changes do not. */
function hashOf(change: Change, pin: string | undefined): string {
  const env = Object.entries(change.env ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const image = hasImage(change) ? [repositoryOf(change), pin ?? `unpinned ${targetText(change, undefined)}`] : null;
  return createHash('sha256')
    .update(JSON.stringify([image, env, ...(change.startedSince === undefined ? [] : [change.startedSince])]))
    .digest('hex')
    .slice(0, 12);
}

function contextOf(
  input: ForwardInput,
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
    ...(input.restart === 'secrets' ? { forSecrets: true } : {}),
    ...(input.minSecretsVersion === undefined ? {} : { minSecretsVersion: input.minSecretsVersion }),
    allowOtherRepository: input.allowOtherRepository,
    healthy: input.healthy,
    maxUnavailable: input.maxUnavailable,
    ...(input.type === 'stoppedSweep' ? {} : { inPlace: true }),
    ...(input.type === 'processGroup' ? { groups: ownRules(input) } : {}),
  };
}

/** Those of the names that the app has and "only" lets through; what is not there is told by the name that was given. */
function narrowed(names: readonly string[], there: readonly string[], only: readonly string[] | undefined) {
  const [first, ...rest] = names.filter((name) => there.includes(name) && (only?.includes(name) ?? true));
  return first === undefined ? undefined : ([first, ...rest] satisfies NonEmpty<string>);
}

/** A canary that names its regions, and not all that are left, is for those only; so is a processGroup for its groups. */
function namedIn(input: ForwardInput, { facts }: Fleet): Pick<Selector, 'regions' | 'processGroups'> {
  const { only } = input;
  if (input.type === 'processGroup') {
    const there = facts.map(({ group }) => group);
    const processGroups = narrowed(namedGroups(input), there, only?.processGroups);
    return processGroups === undefined ? {} : { processGroups };
  }
  const entries = input.type === 'regionalCanary' ? input.entries : undefined;
  if (entries === undefined || entries.includes('*')) return {};
  const there = facts.map(({ region }) => region);
  const regions = narrowed(entries.flat(), there, only?.regions);
  return regions === undefined ? {} : { regions };
}

function selectionOf(input: ForwardInput, fleet: Fleet): Selection {
  const { only, except } = input;
  const named = namedIn(input, fleet);
  const isAll = only === undefined && Object.keys(named).length === 0;
  return { ...(isAll ? {} : { only: { ...only, ...named } }), ...(except === undefined ? {} : { except }) };
}

/**
 * What the rollout will hold on to, and what there is to say of its pin.
 * @throws Refused with everything that Fly and the registry have to say against it, at once; FlyError.
 */
export async function settleContext(
  input: ForwardInput,
  { fleet, start }: { fleet: Fleet; start: string },
  deps: { fly: FlyClient; findDigest: FindDigest },
): Promise<{ context: RolloutContext; note: string | undefined }> {
  const { change } = fleet;
  const selection = selectionOf(input, fleet);
  const base = contextOf(input, change, selection, fleet);
  const { pin, note, problem } = await pinChange(change, fleet.machines, deps.findDigest);
  const named = {
    ...base,
    rollout: { hash: nameOfChange(change, pin, fleet), start },
    ...(pin === undefined ? {} : { pin }),
  };
  const context = { ...named, cut: await findCut(fleet.facts, named, deps.fly) };
  const problems = [
    ...selectionProblems(selection, fleet.facts),
    ...(problem === undefined ? [] : [problem]),
    ...otherRepository(change, fleet, context),
  ];
  if (problems.length > 0) throw new Refused(problems);
  return { context, note };
}
