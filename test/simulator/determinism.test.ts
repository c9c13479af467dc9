import { expect, test } from 'vitest';
import { virtualClock } from '../../src/clock.js';
import { parseScenario, type ScenarioInput } from '../../src/simulator/scenario.js';
import { createSimulator } from '../../src/simulator/simulator.js';
import { START, V1, V2 } from './support.js';

const services = [{ protocol: 'tcp', internal_port: 80, autostop: 'suspend', checks: [{ type: 'tcp' }] }];
const busy = (seed: number): ScenarioInput => ({
  seed,
  images: { [V1]: {}, [V2]: { reverts: 0.2, checks: { flapEveryMs: [1000, 4000] } } },
  timing: { visibleMs: [0, 2000] },
  apps: [
    {
      name: 'encoder',
      autostopMs: [20_000, 40_000],
      machines: [
        { count: 3, image: V1, config: { services } },
        { count: 3, image: V1, job: { lengthMs: [1000, 60_000], onStop: { afterMs: [100, 9000] } } },
        { count: 6, image: V1, job: { lengthMs: [1000, 60_000], idleMs: [5000, 30_000] } },
        { count: 4, image: V1, state: 'stopped', job: { lengthMs: 5000, idleMs: [1000, 9000] } },
      ],
    },
  ],
  at: [5000, 15_000, 25_000].map((ms) => ({ ms, do: { request: { app: 'encoder' } } })),
  faults: [{ on: 'any', share: 0.1, effect: { loseAnswer: true } }],
});

/** Gives every machine something to do, one after the other, whatever comes of it; returns the journal as text. */
async function journalOf(seed: number): Promise<string> {
  const clock = virtualClock(START);
  const sim = createSimulator({ scenario: parseScenario(busy(seed)), clock });
  const call = (method: string, path: string, body?: unknown) =>
    sim.handle({
      method,
      url: `/v1/apps/encoder/machines${path}`,
      headers: { authorization: 'Bearer t' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  for (const [at, { id }] of sim.machines().entries()) {
    await call('POST', `/${id}/lease`, { ttl: 5 });
    const verb = ['', '/cordon', '/stop', '/suspend', '/restart', '/signal'][at % 6] ?? '';
    await call('POST', `/${id}${verb}`, { config: { image: V2, services }, ...(verb === '/signal' && { signal: 9 }) });
    await call('GET', `/${id}/wait?state=settled&timeout=20`);
    await clock.sleep(1000);
  }
  return JSON.stringify(sim.journal.entries());
}

test('the same seed and the same calls give the same journal', async () => {
  expect(await journalOf(7)).toBe(await journalOf(7));
});

test('another seed gives another world', async () => {
  expect(await journalOf(7)).not.toBe(await journalOf(8));
});

test('what a machine does by itself does not depend on calls to other machines', async () => {
  const autostarts = async (calls: number) => {
    const clock = virtualClock(START);
    const sim = createSimulator({ scenario: parseScenario({ ...busy(3), faults: [] }), clock });
    const [first, second] = sim.machines();
    for (let i = 0; i < calls; i += 1) {
      const body = JSON.stringify({ config: { image: V2 } });
      const headers = { authorization: 'Bearer t' };
      await sim.handle({ method: 'POST', url: `/v1/apps/encoder/machines/${second?.id}`, headers, body });
      await clock.sleep(10_000);
    }
    await clock.sleep(600_000 - calls * 10_000);
    return sim.journal
      .entries()
      .filter((entry) => entry.kind === 'autostart' && entry.machine === first?.id)
      .map((entry) => entry.t);
  };
  expect(await autostarts(5)).toEqual(await autostarts(0));
});

test('the journal is numbered without gaps and in the order of time', async () => {
  const clock = virtualClock(START);
  const sim = createSimulator({ scenario: parseScenario(busy(1)), clock });
  await clock.sleep(600_000);
  const entries = sim.journal.entries();
  expect(entries.map(({ n }) => n)).toEqual(entries.map((_, at) => at));
  const times = entries.map(({ t }) => t);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test('nobody looking means nothing planned on the clock', async () => {
  const clock = virtualClock(START);
  let sleeps = 0;
  const counting = { now: clock.now, sleep: (ms: number) => ((sleeps += 1), clock.sleep(ms)) };
  const sim = createSimulator({ scenario: parseScenario(busy(1)), clock: counting });
  await clock.sleep(3_600_000);
  expect(sim.journal.entries().length).toBeGreaterThan(500);
  expect(sleeps).toBe(0);
});
