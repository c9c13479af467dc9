import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../house/files.js';
import { beginLayover, layover } from '../support/outside.js';
import { eventually } from '../support/place.js';

test('layover simulate serves a scenario until it is told to stop, and a plan can be made of it', async () => {
  const stop = new AbortController();
  const scenario = join(ROOT, 'deploy/simulator.json');
  const simulating = beginLayover(['simulate', '--scenario', scenario], { stopped: stop.signal });
  const url = await eventually('its address', () => /listening on (http:\S+)/.exec(simulating.out())?.[1]);
  const { code, out } = await layover(['plan', '-'], {
    env: { FLY_API_TOKEN: 'x', FLY_FLAPS_BASE_URL: url, LAYOVER_REGISTRY_URL: url },
    stdin: '{"app":"encoder","image":"registry.fly.io/encoder:v42"}',
  });
  expect(code).toBe(0);
  expect(out).toContain('18 machines selected');
  stop.abort();
  expect((await simulating.end).code).toBe(0);
  await expect(fetch(`${url}/_simulator/machines`)).rejects.toThrow('fetch failed');
});

test('a scenario that is none, and none at all, are usage errors', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'layover-simulate-')), 'scenario.json');
  writeFileSync(file, '{"sed":1}');
  const wrong = await layover(['simulate', '--scenario', file]);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('Unrecognized key: "sed"');
  expect((await layover(['simulate'])).code).toBe(2);
});
