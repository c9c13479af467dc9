import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import { UPDATED, useDays } from './days.js';

const days = useDays();

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How a door ended: the failure's type and message. */
async function endOf(app: string): Promise<{ type: string; message: string; details: readonly unknown[] }> {
  const end = await days.env.client.workflow
    .getHandle(`${app}-door`)
    .result()
    .then(
      (report: unknown) => ({ type: 'Completed', message: '', details: [report] }),
      (error: unknown) => error,
    );
  if (!(end instanceof WorkflowFailedError)) return end as { type: string; message: string; details: unknown[] };
  const { cause } = end;
  if (!(cause instanceof ApplicationFailure)) return { type: cause?.name ?? '', message: end.message, details: [] };
  return { type: cause.type ?? '', message: cause.message, details: cause.details ?? [] };
}

const minutesSince = (at: number, from: number) => Math.round((at - from) / MINUTE);

test('the deadline ends a sweep Partial, and pauses stop its clock', async () => {
  days.add('deadline', { machines: { a: 'working', b: 'idle' }, deadlineMs: 2 * HOUR });
  await days.start('deadline');
  await days.env.sleep(HOUR);
  await days.signal('deadline', 'pause', { reason: 'the weekend' });
  await days.env.sleep(60 * HOUR);
  const paused = await days.status('deadline');
  expect(paused).toMatchObject({
    phase: 'paused',
    message: 'paused by somebody: the weekend',
    counts: { atTarget: 1, left: 1 },
  });
  await days.signal('deadline', 'resume');
  await days.env.sleep(45 * MINUTE);
  const running = await days.status('deadline');
  expect(running.phase).toBe('running');
  expect(minutesSince(Date.parse(running.deadline ?? ''), Date.parse(running.startedAt))).toBe(62 * 60);
  await days.env.sleep(20 * MINUTE);
  const end = await endOf('deadline');
  expect(end).toMatchObject({ type: 'RolloutPartial' });
  expect(end.message).toContain('the deadline passed with 1 machine left\na ord app: working');
});

test('a pause itself has no deadline, and nothing is asked of Fly while it lasts', async () => {
  const fake = days.add('long-pause', { machines: { a: 'working' }, deadlineMs: HOUR });
  await days.start('long-pause');
  await days.env.sleep(MINUTE);
  await days.signal('long-pause', 'pause');
  await days.env.sleep(MINUTE);
  const looks = fake.looks.length;
  await days.env.sleep(40 * DAY);
  expect(fake.looks.length).toBe(looks);
  expect((await days.status('long-pause')).phase).toBe('paused');
  await days.signal('long-pause', 'abort', { reason: 'forgotten' });
  expect(await endOf('long-pause')).toMatchObject({ type: 'RolloutAborted' });
});

test('while all is calm it looks once a minute, and after the first, which tells what it waits for, a look lasts a day', async () => {
  const fake = days.add('calm', { machines: { a: 'working' }, deadlineMs: 3 * DAY });
  await days.start('calm');
  await days.env.sleep(2 * HOUR);
  expect(fake.looks.length).toBeGreaterThan(110);
  expect(fake.looks.length).toBeLessThan(125);
  expect(new Set(fake.looks.map(({ order }) => order.look.until)).size).toBe(2);
  expect(await days.status('calm')).toMatchObject({ counts: { working: 1 } });
  const history = await days.env.client.workflow.getHandle('rollout:calm').fetchHistory();
  expect(history.events?.length).toBeLessThan(25);
  fake.machines['a'] = 'idle';
  expect(await endOf('calm')).toMatchObject({ type: 'Completed' });
});

test('a rollout of days continues as new daily, with its failures, its retries and its paused time', async () => {
  let broken = true;
  const fake = days.add('daily', {
    machines: { a: 'working', bad: 'idle', bad2: 'idle' },
    deadlineMs: 4 * DAY,
    calmMs: 10 * MINUTE,
    update: (order, now): UpdateOutcome => {
      if (!broken || order.machine.id === 'a') return UPDATED;
      return { kind: 'failed', code: 'reverted', says: 'it went back', at: now, interrupted: false };
    },
  });
  await days.start('daily');
  await days.env.sleep(HOUR);
  expect(await days.status('daily')).toMatchObject({ phase: 'paused', reason: 'failures', counts: { failed: 1 } });
  await days.env.sleep(HOUR);
  await days.signal('daily', 'retry');
  await days.signal('daily', 'resume');
  await days.env.sleep(HOUR);
  await days.signal('daily', 'resume');
  await days.env.sleep(10 * MINUTE);
  await days.signal('daily', 'resume');
  await days.env.sleep(HOUR);
  const before = await days.status('daily');
  expect(before).toMatchObject({ phase: 'running', counts: { failed: 2 } });
  const handle = days.env.client.workflow.getHandle('rollout:daily');
  const { runId } = await handle.describe();
  await days.env.sleep(2 * DAY);
  expect((await handle.describe()).runId).not.toBe(runId);
  const after = await days.status('daily');
  expect(after).toMatchObject({ phase: 'running', counts: { failed: 2 }, startedAt: before.startedAt });
  expect(after.deadline).toBe(before.deadline);
  expect(after.rollout).toBe(before.rollout);
  const updates = fake.updates.length;
  broken = false;
  await days.signal('daily', 'retry');
  await days.env.sleep(HOUR);
  expect(fake.updates.length).toBe(updates + 2);
  expect(new Set(fake.updates.slice(updates).map(({ order }) => order.n))).toEqual(new Set([1, 2]));
  fake.machines['a'] = 'idle';
  expect(await endOf('daily')).toMatchObject({ type: 'Completed' });
});

test('a machine that Fly will not let us update rests longer each time, and is tried until the deadline', async () => {
  const fake = days.add('resting', {
    machines: { a: 'idle', b: 'idle' },
    deadlineMs: 30 * MINUTE,
    update: (order): UpdateOutcome => {
      if (order.machine.id !== 'a') return UPDATED;
      return { kind: 'error', code: 'capacity', says: 'no room', retryAfterMs: 1_000, inDoubt: false };
    },
  });
  await days.start('resting');
  await days.env.sleep(25 * MINUTE);
  const resting = await days.status('resting');
  expect(resting).toMatchObject({ phase: 'running', counts: { atTarget: 1, resting: 1, failed: 0 } });
  const at = fake.updates.filter(({ order }) => order.machine.id === 'a').map((update) => update.at);
  const gaps = at.slice(1).map((time, index) => Math.round((time - (at[index] ?? 0)) / 1_000));
  expect(gaps.slice(0, 8)).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
  const end = await endOf('resting');
  expect(end.type).toBe('RolloutPartial');
  expect(end.message).toContain('a ord app: resting: no room');
});

test('a look under way while machines rest is renewed: what it leaves out may be free again', async () => {
  const fake = days.add('renewed', {
    machines: { a: 'idle', b: 'working' },
    deadlineMs: 5 * HOUR,
    update: (): UpdateOutcome =>
      fake.updates.length === 1
        ? { kind: 'error', code: 'capacity', says: 'no room', retryAfterMs: 20 * MINUTE, inDoubt: false }
        : UPDATED,
  });
  await days.start('renewed');
  await days.env.sleep(18 * MINUTE);
  const untils = new Set(fake.looks.map(({ order }) => order.look.until));
  expect(untils.size).toBeGreaterThanOrEqual(3);
  expect(fake.updates).toHaveLength(1);
  await days.env.sleep(5 * MINUTE);
  expect(fake.updates).toHaveLength(2);
  fake.machines['b'] = 'idle';
  expect(await endOf('renewed')).toMatchObject({ type: 'Completed' });
});

test('an update that broke without an outcome is tried again, told to look for traces first', async () => {
  const fake = days.add('broken', {
    machines: { a: 'idle' },
    update: () => {
      if (fake.updates.length > 1) return UPDATED;
      throw ApplicationFailure.nonRetryable('out of memory');
    },
  });
  await days.start('broken');
  expect(await endOf('broken')).toMatchObject({ type: 'Completed' });
  expect(fake.updates.map(({ order }) => order.inDoubtSince)).toEqual([undefined, 1]);
});

test('a Fly that stays away while planning ends the start after ten minutes, with its words', async () => {
  days.add('away', {
    machines: { a: 'idle' },
    planning: () =>
      Promise.reject(
        ApplicationFailure.create({
          type: 'unavailable',
          message: 'app away: Fly is not available',
          nextRetryDelay: 5_000,
        }),
      ),
  });
  await days.start('away');
  const end = await endOf('away');
  expect(end.type).toBe('RolloutRefused');
  expect(end.message).toBe('the plan could not be made, and nothing was changed: app away: Fly is not available');
});

test('a list that is not believed pauses, and resume looks again', async () => {
  let short = true;
  days.add('suspect', {
    machines: { a: 'idle' },
    look: () => (short ? { kind: 'suspect', listed: 0, expected: 9, at: 0 } : undefined),
  });
  await days.start('suspect');
  await days.env.sleep(MINUTE);
  expect(await days.status('suspect')).toMatchObject({
    phase: 'paused',
    reason: 'list_suspect',
    message: 'Fly listed 0 machines where it counts 9; a list that short is not believed',
  });
  short = false;
  await days.signal('suspect', 'resume');
  expect(await endOf('suspect')).toMatchObject({ type: 'Completed' });
});
