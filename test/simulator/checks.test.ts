import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START, V1, V2 } from './support.js';

const every = { interval: '15s' };
const config = {
  checks: { alive: { type: 'http', port: 8080, interval: '15s' } },
  services: [
    {
      internal_port: 8080,
      checks: [
        { type: 'http', ...every },
        { type: 'tcp', port: 9090, ...every },
      ],
    },
    { internal_port: 1 },
  ],
};

test('a machine that was there before passes its checks, named as Fly names them', async () => {
  const { get } = lab(oneMachine({ config }));
  expect((await get()).checks).toMatchObject([
    { name: 'alive', status: 'passing', updated_at: '2026-08-01T10:00:00.000Z' },
    { name: 'servicecheck-00-http-8080', status: 'passing' },
    { name: 'servicecheck-01-tcp-9090', status: 'passing' },
  ]);
});

test('after a boot there are no results, then critical ones, then passing ones', async () => {
  const world = lab(oneMachine({ config }));
  await world.update({ ...config, image: V2 });
  expect((await world.get()).checks).toEqual([]);
  await world.call('GET', `/machines/${M1}/wait?state=started`);
  expect((await world.get()).checks).toEqual([]);
  await world.after(400);
  expect((await world.get()).checks).toMatchObject([{ status: 'critical' }, {}, {}]);
  await world.after(2000);
  expect((await world.get()).checks).toMatchObject([{ status: 'passing' }, {}, {}]);
  expect(world.happened('checks').map(({ checks }) => checks)).toEqual(['critical', 'passing']);
});

test('an image may fail its checks for ever', async () => {
  const world = lab(oneMachine({ config }, { images: { [V1]: {}, [V2]: { failsChecks: true } } }));
  await world.update({ ...config, image: V2 });
  await world.after(3600_000);
  expect((await world.get()).checks).toMatchObject([{ status: 'critical' }, {}, {}]);
});

test('a stopped machine has no results', async () => {
  const world = lab(oneMachine({ config }));
  await world.call('POST', `/machines/${M1}/stop`);
  expect((await world.get()).checks).toEqual([]);
});

const checked = (spec: object) =>
  lab(oneMachine({ config: { checks: { alive: { type: 'tcp', port: 80 } } } }, { images: { [V1]: spec } }));
const statusOf = async ({ get }: ReturnType<typeof lab>) => (await get()).checks?.map(({ status }) => status);

test('checks that passed may become critical after a time, and stay so', async () => {
  const world = checked({ checks: { criticalAfterMs: 30_000 } });
  await world.after(29_999);
  expect(await statusOf(world)).toEqual(['passing']);
  await world.after(1);
  expect(await statusOf(world)).toEqual(['critical']);
  await world.after(600_000);
  expect(await statusOf(world)).toEqual(['critical']);
  expect(world.happened('checks')).toMatchObject([{ t: START + 30_000, checks: 'critical' }]);
});

test('checks may flap, and `updated_at` says since when', async () => {
  const world = checked({ checks: { flapEveryMs: 10_000 } });
  const seen: unknown[] = [];
  for (let i = 0; i < 4; i += 1) {
    await world.after(10_000);
    seen.push((await statusOf(world))?.[0]);
  }
  expect(seen).toEqual(['critical', 'passing', 'critical', 'passing']);
  expect((await world.get()).checks).toMatchObject([{ updated_at: new Date(START + 40_000).toISOString() }]);
});

test('a new version of such an image passes first, and then turns', async () => {
  const config = { checks: { alive: { type: 'tcp', port: 80 } } };
  const images = { [V1]: {}, [V2]: { checks: { criticalAfterMs: 5000 } } };
  const world = lab(oneMachine({ config }, { images }));
  await world.update({ ...config, image: V2 });
  await world.call('GET', `/machines/${M1}/wait`);
  await world.after(2400);
  expect(await statusOf(world)).toEqual(['passing']);
  await world.after(5000);
  expect(await statusOf(world)).toEqual(['critical']);
});

test.each(['passing', 'warning', 'critical'])(
  'checks can be set to %s until the machine boots again',
  async (status) => {
    const world = checked({ checks: { flapEveryMs: 10_000 } });
    await world.raw('POST', `/_simulator/machines/${M1}/checks`, { status });
    await world.after(60_000);
    expect(await statusOf(world)).toEqual([status]);
    await world.call('POST', `/machines/${M1}/stop`);
    await world.after(300);
    expect(await statusOf(world)).toEqual([]);
  },
);

test('a script sets checks as well', async () => {
  const config = { checks: { alive: { type: 'tcp', port: 80 } } };
  const at = [{ ms: 5000, do: { checks: { machine: M1, status: 'critical' as const } } }];
  const world = lab(oneMachine({ config }, { at }));
  await world.after(5000);
  expect(await statusOf(world)).toEqual(['critical']);
});
