import { describe, expect, test } from 'vitest';
import { createLoop, type Hands, type Loop } from '../../src/domain/loop.js';
import type { LookOrder } from '../../src/domain/look.js';
import type { UpdateOrder } from '../../src/domain/orders.js';
import type { LookOutcome, UpdateOutcome } from '../../src/domain/outcomes.js';
import { type RolloutState } from '../../src/domain/state.js';
import { onRested } from '../../src/domain/landing.js';
import { applyVerb, type Verb } from '../../src/domain/verbs.js';
import {
  BEFORE,
  candidate,
  clearLook,
  ERROR,
  FAILED,
  M1,
  M2,
  M3,
  MINUTE,
  NOW,
  pool,
  rest,
  seen,
  state,
  UPDATED,
} from './build.js';

/** Hands whose work ends when the test says so, and which note what they were told. */
function fakeHands() {
  const updates = new Map<string, (outcome: UpdateOutcome | 'lost') => void>();
  const looks: { order: LookOrder; end: (outcome: LookOutcome | undefined) => void }[] = [];
  const rests = new Map<string, () => void>();
  const orders: UpdateOrder[] = [];
  const log: string[] = [];
  let now = NOW;
  const hands: Hands = {
    now: () => now,
    update: (order) => {
      log.push(`update ${order.machine.id}`);
      orders.push(order);
      return new Promise((resolve) => updates.set(order.machine.id, resolve));
    },
    look: (order) => {
      log.push('look');
      return new Promise((end) => looks.push({ order, end }));
    },
    rest: (id, ms) => {
      log.push(`rest ${id} ${ms}`);
      return new Promise((resolve) => rests.set(id, resolve));
    },
    judge: () => Promise.resolve(undefined),
    dropJudges: () => undefined,
    callBack: () => log.push('callBack'),
    dropLook: () => log.push('dropLook'),
    dropRests: () => log.push('dropRests'),
  };
  return { hands, updates, looks, rests, orders, log, after: (ms: number) => (now += ms) };
}

/** More turns than the loop needs to take in what just came back. */
async function taken(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

function scene(first: RolloutState = state()) {
  const fake = fakeHands();
  const loop = createLoop(fake.hands, first);
  const endUpdate = async (id: string, outcome: UpdateOutcome | 'lost') => {
    fake.updates.get(id)?.(outcome);
    await taken();
  };
  const endLook = async (outcome: LookOutcome | undefined) => {
    fake.looks.at(-1)?.end(outcome);
    await taken();
  };
  const found = (...ids: string[]): LookOutcome => ({
    kind: 'seen',
    observation: seen({ candidates: ids.map((id) => candidate(id)), pools: [pool({ idle: 8, left: 8, selected: 8 })] }),
  });
  return { ...fake, loop, endUpdate, endLook, found };
}

function say(loop: Loop, verb: Verb): void {
  const answer = applyVerb(loop.state(), verb, undefined, NOW);
  if (answer.ok) loop.put(answer.state);
}

/** Two machines in flight, after a look that found them; the log is empty. */
async function inFlight() {
  const on = scene(state({ written: 1 }));
  on.loop.step(false);
  await on.endLook(on.found(M1, M2));
  on.loop.step(false);
  on.log.length = 0;
  return on;
}

describe('looking', () => {
  test('comes first, and there is no second look while one is under way', async () => {
    const { loop, log, endLook, found } = scene();
    loop.step(false);
    loop.step(false);
    expect(log).toEqual(['look']);
    expect(loop.lookingSince()).toBe(NOW);
    await endLook(found());
    expect(loop.lookingSince()).toBeUndefined();
    loop.step(false);
    expect(log).toEqual(['look', 'look']);
  });

  test('that was dropped or found out nothing leaves the state as it is, and wakes the loop to decide again', async () => {
    const { loop, endLook } = scene();
    loop.step(false);
    const [before, changes] = [loop.state(), loop.changes()];
    await endLook(undefined);
    expect(loop.state()).toBe(before);
    expect(loop.changes()).toBeGreaterThan(changes);
  });

  test('leaves out what is in flight', async () => {
    const { loop, looks } = await inFlight();
    loop.step(false);
    expect(looks.at(-1)?.order.taken).toEqual([M1, M2]);
  });

  test('pauses on a list that cannot be believed', async () => {
    const { loop, endLook } = scene();
    loop.step(false);
    await endLook({ kind: 'suspect', listed: 1, expected: 9, at: NOW });
    expect(loop.state().pause?.code).toBe('list_suspect');
    expect(loop.step(false)).toEqual({ kind: 'hold' });
  });
});

describe('looking while machines wait for a slot', () => {
  /** M1 is in flight and nothing is proven yet; M2 waits in the same place, and the look that goes on knows it. */
  async function oneWaits() {
    const on = scene();
    on.loop.step(false);
    await on.endLook(on.found(M1, M2));
    on.loop.step(false);
    on.log.length = 0;
    return on;
  }

  test('goes on beside them, and is told where they wait', async () => {
    const { looks } = await oneWaits();
    expect(looks.at(-1)?.order).toMatchObject({ waiting: { 'ord worker': Number.MAX_SAFE_INTEGER }, taken: [M1] });
  });

  test('ends when none waits there any more: another one that is idle there would be passed over', async () => {
    const { loop, log, endUpdate, endLook, looks } = await oneWaits();
    loop.step(false);
    expect(log).toEqual([]);
    await endUpdate(M1, UPDATED);
    loop.step(false);
    expect(log).toEqual([`update ${M2}`, 'dropLook']);
    await endLook(undefined);
    loop.step(false);
    expect(looks.at(-1)?.order).toMatchObject({ waiting: {}, taken: [M2] });
  });

  test('brings no second order to a machine whose update began and ended while it listed', async () => {
    const { loop, log, endUpdate, endLook, found } = await oneWaits();
    await endUpdate(M1, UPDATED);
    loop.step(false);
    await endUpdate(M2, UPDATED);
    await endLook(found(M2, M3));
    expect(loop.state().queue.map(({ id }) => id)).toEqual([M3]);
    loop.step(false);
    expect(log.filter((line) => line.startsWith('update'))).toEqual([`update ${M2}`, `update ${M3}`]);
  });

  test('keeps how often a waiting machine was tried: its next rest is still longer', async () => {
    const { loop, log, rests, endUpdate, endLook, found } = await oneWaits();
    await endUpdate(M1, ERROR);
    loop.step(false);
    rests.get(M1)?.();
    await taken();
    await endLook(undefined);
    loop.step(false);
    expect(loop.state().queue.map(({ id }) => id)).toEqual([M1]);
    await endLook(found(M1));
    await endUpdate(M2, UPDATED);
    loop.step(false);
    await endUpdate(M1, ERROR);
    expect(log).toContain(`rest ${M1} 10000`);
  });
});

describe('updating', () => {
  test('sends each machine that was found one order, and no second while it is in flight', async () => {
    const { loop, log } = await inFlight();
    expect(Object.keys(loop.state().inFlight)).toEqual([M1, M2]);
    loop.step(false);
    expect(log.filter((line) => line.startsWith('update'))).toEqual([]);
  });

  test('notes the flight before the order leaves: what it says of the others is true', async () => {
    const on = scene(state({ written: 1, queue: [candidate(M1), candidate(M2)], seen: seen() }));
    on.loop.step(false);
    expect(on.orders.map((order) => order.machine.id)).toEqual([M1, M2]);
    expect(on.loop.state().queue).toEqual([]);
    expect(on.loop.state().inFlight[M1]?.since).toBe(NOW);
  });

  test('that ended well leaves the look under way alone: it left that machine out, and rightly', async () => {
    const { loop, log, endUpdate } = await inFlight();
    loop.step(false);
    await endUpdate(M1, UPDATED);
    expect(log).not.toContain('dropLook');
    expect(Object.keys(loop.state().inFlight)).toEqual([M2]);
    expect(loop.state().written).toBe(2);
  });

  test.each<[string, UpdateOutcome | 'lost']>([
    ['called back', { kind: 'calledBack' }],
    ['failed', FAILED],
    ['lost', 'lost'],
  ])(
    '%s drops the look under way: that machine may be free now, and the look leaves it out',
    async (_what, outcome) => {
      const { loop, log, endUpdate } = await inFlight();
      loop.step(false);
      await endUpdate(M1, outcome);
      expect(log).toContain('dropLook');
      expect(loop.state().inFlight).not.toHaveProperty(M1);
    },
  );

  test('that was left alone keeps its slot for a while, so that a list that is wrong about it does not turn the loop fast', async () => {
    const { loop, log, endUpdate, rests } = await inFlight();
    loop.step(false);
    await endUpdate(M1, { kind: 'left', standing: 'straggler', inDoubt: false });
    expect(log).toContain(`rest ${M1} 5000`);
    expect(loop.state().inFlight).toHaveProperty(M1);
    rests.get(M1)?.();
    await taken();
    expect(log).toContain('dropLook');
    expect(loop.state().inFlight).not.toHaveProperty(M1);
  });

  test('that was left alone does not hold up a pause', async () => {
    const { loop, endUpdate } = await inFlight();
    say(loop, 'pause');
    await endUpdate(M1, { kind: 'left', standing: 'straggler', inDoubt: false });
    expect(loop.state().inFlight).not.toHaveProperty(M1);
  });

  test('that was lost is looked into by the next order before it writes', async () => {
    const { loop, orders, endUpdate, endLook, found } = await inFlight();
    await endUpdate(M1, 'lost');
    loop.step(false);
    await endLook(found(M1));
    loop.step(false);
    expect(orders.at(-1)).toMatchObject({ machine: { id: M1 }, inDoubtSince: BEFORE });
  });

  test('wakes the loop however it ends', async () => {
    for (const outcome of [UPDATED, FAILED, ERROR, 'lost'] as const) {
      const { loop, endUpdate } = await inFlight();
      const before = loop.changes();
      await endUpdate(M1, outcome);
      expect(loop.changes()).toBeGreaterThan(before);
    }
  });
});

describe('resting', () => {
  test('begins when Fly would not update a machine, for as long as its state says, and ends in the queue', async () => {
    const { loop, log, rests, endUpdate } = await inFlight();
    await endUpdate(M1, ERROR);
    expect(log).toContain(`rest ${M1} 5000`);
    expect(log).not.toContain('dropLook');
    expect(loop.state().queue).toEqual([]);
    rests.get(M1)?.();
    await taken();
    expect(loop.state().resting).toEqual({});
    expect(loop.state().queue.map((c) => c.id)).toEqual([M1]);
    loop.step(false);
    expect(log.at(-1)).toBe(`update ${M1}`);
  });

  test('counts on: the second rest is longer', async () => {
    const { loop, log, rests, endUpdate } = await inFlight();
    await endUpdate(M1, ERROR);
    rests.get(M1)?.();
    await taken();
    loop.step(false);
    await endUpdate(M1, ERROR);
    expect(log).toContain(`rest ${M1} 10000`);
  });

  test('is no flight: the loop is not quiet, and nothing keeps others from their slots', async () => {
    const { loop, endUpdate } = await inFlight();
    await endUpdate(M1, ERROR);
    await endUpdate(M2, UPDATED);
    expect(Object.keys(loop.state().inFlight)).toEqual([]);
    expect(loop.isQuiet()).toBe(false);
  });

  test('that a state from elsewhere has ended already is forgotten', async () => {
    const { loop, rests, endUpdate } = await inFlight();
    await endUpdate(M1, ERROR);
    loop.put(onRested(loop.state(), M1));
    rests.get(M1)?.();
    await taken();
    expect(loop.state().queue.map((c) => c.id)).toEqual([M1]);
  });
});

describe('a pause', () => {
  test('calls back what is in flight, drops looks and rests, and starts nothing', async () => {
    const { loop, log } = await inFlight();
    say(loop, 'pause');
    log.length = 0;
    expect(loop.step(false)).toEqual({ kind: 'callBack' });
    expect(log).toEqual(['callBack', 'dropLook', 'dropRests']);
  });

  test('holds once all have come back, and nothing is sent until somebody resumes', async () => {
    const { loop, log, endUpdate, endLook } = await inFlight();
    say(loop, 'pause');
    loop.step(false);
    await endUpdate(M1, { kind: 'calledBack' });
    expect(loop.step(false)).toEqual({ kind: 'callBack' });
    await endUpdate(M2, UPDATED);
    await endLook(undefined);
    log.length = 0;
    expect(loop.step(false)).toEqual({ kind: 'hold' });
    expect(log).toEqual(['dropLook', 'dropRests']);
    expect(loop.isQuiet()).toBe(true);
    say(loop, 'resume');
    loop.step(false);
    expect(log.at(-1)).toBe('look');
  });

  test('that ends while an update is still coming back takes that machine up again', async () => {
    const on = await inFlight();
    say(on.loop, 'pause');
    on.loop.step(false);
    say(on.loop, 'resume');
    on.loop.step(false);
    expect(on.looks.at(-1)?.order.taken).toEqual([M1, M2]);
    on.log.length = 0;
    await on.endUpdate(M1, 'lost');
    expect(on.log).toEqual(['dropLook']);
    await on.endLook(undefined);
    on.loop.step(false);
    expect(on.looks.at(-1)?.order.taken).toEqual([M2]);
  });
});

describe('a Fly that is away', () => {
  const away = state({ pause: { code: 'fly_unavailable', says: 'x', since: NOW }, missedLists: 5 });

  test('is asked for a list in one look that goes on, and nothing else happens', async () => {
    const { loop, log, looks, endLook, found } = scene(away);
    loop.step(false);
    loop.step(false);
    expect(log).toEqual(['look', 'dropRests', 'dropRests']);
    expect(looks.at(-1)?.order.look.errors).toBe('retried');
    await endLook(found(M1));
    expect(loop.state().pause).toBeUndefined();
    loop.step(false);
    expect(log).toContain(`update ${M1}`);
  });

  test('drops a look that would tell of each error', async () => {
    const { loop, log, endLook } = scene();
    loop.step(false);
    loop.put(away);
    log.length = 0;
    loop.step(false);
    expect(log).toEqual(['dropLook', 'dropRests']);
    await endLook(undefined);
    loop.step(false);
    expect(log.slice(2)).toEqual(['look', 'dropRests']);
  });
});

describe('a state from elsewhere', () => {
  test('drops the look under way: what it left out may be free now', () => {
    const { loop, log } = scene();
    loop.step(false);
    const before = loop.changes();
    loop.put({ ...loop.state(), notice: 'x' });
    expect(log).toEqual(['look', 'dropLook']);
    expect(loop.changes()).toBeGreaterThan(before);
    expect(loop.state().notice).toBe('x');
  });

  test('is taken in by what comes back later: neither is lost', async () => {
    const { loop, endUpdate } = await inFlight();
    say(loop, 'pause');
    await endUpdate(M1, UPDATED);
    expect(loop.state()).toMatchObject({ pause: { code: 'asked' }, written: 2 });
  });
});

describe('a run that drains', () => {
  test('sends nothing, lets what flies come back, and is quiet then', async () => {
    const { loop, log, endUpdate, endLook } = await inFlight();
    expect(loop.step(true)).toEqual({ kind: 'act', start: [] });
    expect(log).toEqual([]);
    expect(loop.isQuiet()).toBe(false);
    await endUpdate(M1, UPDATED);
    await endUpdate(M2, UPDATED);
    await endLook(undefined);
    expect(loop.step(true)).toEqual({ kind: 'hold' });
    expect(log).toEqual(['dropLook', 'dropRests']);
    expect(loop.isQuiet()).toBe(true);
  });

  test('is not quiet before its look has come back', async () => {
    const { loop, endLook } = scene();
    loop.step(false);
    loop.step(true);
    expect(loop.isQuiet()).toBe(false);
    await endLook(undefined);
    expect(loop.isQuiet()).toBe(true);
  });

  test('is not quiet while a machine rests', () => {
    expect(scene(state({ resting: { [M1]: rest(M1) } })).loop.isQuiet()).toBe(false);
  });
});

test('a rollout from its first look to its end: observe, decide, act', async () => {
  const { loop, log, after, endLook, endUpdate, found } = scene();
  loop.step(false);
  await endLook(found(M1, M2));
  loop.step(false);
  await endUpdate(M1, UPDATED);
  loop.step(false);
  await endLook(undefined);
  loop.step(false);
  await endUpdate(M2, UPDATED);
  for (let look = 0; look < 2; look += 1) {
    loop.step(false);
    after(MINUTE);
    await endLook({ kind: 'seen', observation: clearLook() });
  }
  expect(loop.step(false)).toMatchObject({ kind: 'finish', outcome: 'completed' });
  expect(log).toEqual(['look', `update ${M1}`, 'look', `update ${M2}`, 'dropLook', 'look', 'look']);
});
