import { expect, test } from 'vitest';
import { control } from '../../src/proof/by-hand.js';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';
import {
  ABORT,
  APP,
  aways,
  block,
  forward,
  inTurn,
  lose,
  machines,
  MINUTE,
  NEW,
  OLD,
  on,
  OWN,
  SECOND,
  zks,
} from './clusters.js';

/** Machines whose lease is not to be had: nobody held them, and they wait for their turn like all others. */

const ANSWERS = [
  [409, 4],
  [500, 8],
  [503, 8],
] as const;

test.each(OWN.flatMap(([name, own]) => ANSWERS.map(([status, times]) => ({ name, own, status, times }))))(
  'with $name one whose lease answers $status $times times is not written while another is lost',
  async ({ own, status, times }) => {
    for (const lostAt of [40, 60]) {
      const world = zks(3);
      await world.clock.sleep(MINUTE);
      const begun = world.clock.now();
      const [, second, other] = inTurn(world);
      const answer = { status, error: status === 409 ? 'machine already has a lease' : 'trouble' };
      await control(world, 'faults', { on: 'lease', machine: second?.id, times, effect: { answer } });
      const loseOther = async () => {
        await world.clock.sleep(lostAt * SECOND);
        await lose(world, other?.id);
        await world.clock.sleep(10 * MINUTE);
        await control(world, `machines/${other?.id}/restore-host`);
      };
      void loseOther();
      const outcome = await forward(world, own, { said: [{ ...ABORT, atMs: 60 * MINUTE }] });
      const lostFrom = begun + lostAt * SECOND;
      // Whoever was read a moment before that may be written yet.
      const meanwhile = aways(world).filter(
        ({ from }) => from > lostFrom + 15 * SECOND && from < lostFrom + 10 * MINUTE,
      );
      expect({ lostAt, outcome, meanwhile }).toEqual({ lostAt, outcome: 'completed', meanwhile: [] });
    }
  },
);

const SWEEP = { app: APP, image: NEW, forceAfter: '1m', maxUnavailable: 1, ramp: 'off', bootFirst: 0 };

/** Three that never rest, two minutes old. */
async function webs(faults: readonly object[] = []): Promise<World> {
  const apps = [{ name: APP, machines: [block('web', 3, 'ams')] }];
  const world = createWorld({ seed: 1, images: { [OLD]: {}, [NEW]: {} }, apps, faults });
  await world.clock.sleep(2 * MINUTE);
  return world;
}

test.each([4, 5, 9])(
  'a sweep goes on with one that is past its time, whose lease another had and whose update failed %i times',
  async (times) => {
    const world = await webs();
    const begun = world.clock.now();
    const machine = inTurn(world)[1]?.id;
    const lease = { answer: { status: 409, error: 'machine already has a lease' } };
    await control(world, 'faults', { on: 'lease', machine, times: 5, effect: lease });
    const update = { answer: { status: 503, error: 'trouble' } };
    await control(world, 'faults', { on: 'update', machine, times, effect: update });
    const { end } = await drive(world, { type: 'stoppedSweep', start: 'a', input: SWEEP, said: [ABORT] });
    expect('outcome' in end && end.outcome).toBe('completed');
    expect(on(world, NEW)).toBe(3);
    expect(world.clock.now() - begun).toBeLessThan(30 * MINUTE);
  },
);

/** Its hold is noted and its stop fails; the first read of the order that goes on with it is from before that. */
async function behindItsHold(said: DriveOptions['said']) {
  const world = await webs([{ on: 'list', effect: { staleReadMs: 5 * SECOND } }]);
  const begun = world.clock.now();
  const machine = inTurn(world)[1]?.id;
  const trouble = (status: number) => ({ answer: { status, error: 'trouble' } });
  await control(world, 'faults', { on: 'get', machine, times: 3, effect: trouble(500) });
  await control(world, 'faults', { on: 'stop', machine, times: 1, effect: trouble(503) });
  let goesOnAt = 0;
  const { end } = await drive(world, {
    type: 'stoppedSweep',
    start: 'a',
    input: SWEEP,
    said: [...(said ?? []), ABORT],
    onLaunch: (order) => {
      if (goesOnAt > 0 || order.machine.id !== machine || order.machine.working !== 'ours') return;
      goesOnAt = world.clock.now() - begun;
      void control(world, 'faults', { on: 'get', machine, times: 1, effect: { staleReadMs: 8 * SECOND } });
    },
  });
  return { world, goesOnAt, outcome: 'outcome' in end ? end.outcome : end.kind };
}

test('a read that lags hides no hold: an abort right after it leaves nothing cordoned', async () => {
  const { goesOnAt } = await behindItsHold([]);
  expect(goesOnAt).toBeGreaterThan(0);
  for (const after of [1, 2, 4, 8]) {
    const { world, outcome } = await behindItsHold([{ atMs: goesOnAt + after * SECOND, verb: 'abort' }]);
    const held = machines(world).filter(({ cordoned, metadata }) => cordoned || 'layover_hold' in metadata);
    expect({ after, outcome, held: held.length }).toEqual({ after, outcome: 'aborted', held: 0 });
  }
});
