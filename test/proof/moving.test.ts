import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isInputType } from '../../src/input/types.js';
import { drive } from '../../src/proof/drive.js';
import { servingOf } from '../../src/proof/serving.js';
import { createWorld, type World } from '../../src/proof/world.js';
import { APP, expectClean, MINUTE, NEW, OLD, writes } from './canaries.js';

/** Every input of docs/moving-from-fly-deploy.md is parsed, and run to its end against the simulator. */

const PAGE = readFileSync(new URL('../../docs/moving-from-fly-deploy.md', import.meta.url), 'utf8');

const EXAMPLES = [...PAGE.matchAll(/^```json (\w+)\n([\s\S]*?)^```/gm)].map(
  ([, type = '', text = ''], index) => [`${index + 1}: ${type}`, type, JSON.parse(text) as object] as const,
);

const block = servingOf(OLD);
const idle = { state: 'stopped', running: false };

/** Web machines that serve in three regions, workers that rest and one that works, a cluster; a secret set since. */
async function shop(): Promise<World> {
  const machines = [
    ...['ams', 'dfw', 'ord'].flatMap((region) => [
      block('web', 6, region),
      block('worker', 2, region, idle),
      block('zk', 1, region),
    ]),
    block('worker', 1, 'ams', { job: { lengthMs: 40 * MINUTE } }),
    block('worker', 1, 'ord', { state: 'suspended', running: false }),
  ];
  const app = { name: APP, machines, secrets: { TOKEN: 'old' } };
  const world = createWorld({ seed: 3, images: { [OLD]: {}, [NEW]: {} }, apps: [app] });
  await world.clock.sleep(10 * MINUTE);
  const headers = { authorization: 'Bearer by-hand', 'content-type': 'application/json' };
  const body = JSON.stringify({ values: { TOKEN: 'new' } });
  await world.simulator.handle({ method: 'POST', url: `/v1/apps/${APP}/secrets`, headers, body });
  await world.clock.sleep(MINUTE);
  return world;
}

test('there is an example for each recipe that changes machines', () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(12);
});

describe('the page for who comes from fly deploy', () => {
  test.each(EXAMPLES)('example %s does what it says', async (_, type, input) => {
    if (!isInputType(type)) throw new Error(`${type} is no type`);
    const world = await shop();
    const { end } = await drive(world, { type, input, start: 'm' });
    expect(end).toMatchObject({ kind: 'finish', outcome: 'completed' });
    expect(writes(world).length).toBeGreaterThan(0);
    expectClean(world);
  });
});
