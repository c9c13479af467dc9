import { drive } from './drive.js';
import { asJournal } from './evidence.js';
import type { Measure } from './scale.js';
import { createWorld, START_MS } from './world.js';

const APP = 'calm';
const IMAGE = `registry.fly.io/${APP}`;
const MINUTE = 60_000;
/** By then the idle machines are done and only the working ones are left. */
const FROM_MS = 20 * MINUTE;
const HOUR = 60 * MINUTE;

/** Up to this many working machines are waited for on Fly's side as well: both sides of it are measured. */
const FLEETS = [15, 200];

async function callsInAnHour(working: number): Promise<Map<string, number>> {
  const job = { lengthMs: 100_000 * HOUR };
  const world = createWorld({
    images: { [`${IMAGE}:v1`]: {}, [`${IMAGE}:v2`]: {} },
    apps: [
      {
        name: APP,
        machines: [
          { count: working, image: `${IMAGE}:v1`, state: 'started', job },
          { count: 20, image: `${IMAGE}:v1`, state: 'stopped' },
        ],
      },
    ],
  });
  await drive(world, { input: { app: APP, image: `${IMAGE}:v2`, deadline: '90m' }, start: 'calm' });
  const calls = new Map<string, number>();
  for (const { kind, op = '', t } of asJournal(world.simulator.journal.entries())) {
    const at = t - START_MS;
    if (kind === 'call' && at >= FROM_MS && at < FROM_MS + HOUR) calls.set(op, (calls.get(op) ?? 0) + 1);
  }
  return calls;
}

/** What a sweep asks of Fly in an hour in which nothing happens: at most a list a minute. */
export async function measureCalm(): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const working of FLEETS) {
    const calls = await callsInAnHour(working);
    const lists = calls.get('list') ?? 0;
    calls.delete('list');
    const others = [...calls].map(([op, count]) => `${op} ${count}`).join(', ');
    const says = `lists in a calm hour, ${working} machines at work`;
    measures.push({ says, value: lists, unit: `beside them: ${others || 'nothing'}`, least: 1, most: 60 });
  }
  return measures;
}
