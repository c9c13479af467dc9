import { expect, test } from 'vitest';
import { lab, M1, oneMachine, V1, V2 } from './support.js';

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
