import { expect, test } from 'vitest';
import { control } from '../../src/proof/by-hand.js';
import { ABORT, aways, forward, machines, MINUTE, OWN, SECOND, zks } from './clusters.js';

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
      const [, second, other] = machines(world).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const answer = { status, error: status === 409 ? 'machine already has a lease' : 'trouble' };
      await control(world, 'faults', { on: 'lease', machine: second?.id, times, effect: { answer } });
      const lose = async () => {
        await world.clock.sleep(lostAt * SECOND);
        await control(world, `machines/${other?.id}/lose-host`);
        await world.clock.sleep(10 * MINUTE);
        await control(world, `machines/${other?.id}/restore-host`);
      };
      void lose();
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
