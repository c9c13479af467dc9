import { expect, test } from 'vitest';
import { updatesInHand } from '../../src/proof/in-hand.js';
import type { Program } from '../../src/setup/program.js';
import { startWorker } from '../../src/setup/stack.js';
import { V2 } from '../support/fly.js';
import { expectClean, operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

/** Machines of an app that anybody has leased or written so far. */
const touched = async (app: string): Promise<ReadonlySet<string>> =>
  new Set((await place.fly.changing(app)).map(({ machine }) => machine ?? ''));

/**
 * Freezes a worker until the server has handed it updates that it never saw. Where its outstanding polls took the
 * look instead, on which the sweep waits, it goes on for a second, and is frozen again.
 */
async function freezeUntilItSwallows(worker: Program, app: string): Promise<string[]> {
  let isFrozen = false;
  let turnAt = 0;
  const look = async (): Promise<string[] | undefined> => {
    if (Date.now() >= turnAt) {
      isFrozen = !isFrozen;
      worker.signal(isFrozen ? 'SIGSTOP' : 'SIGCONT');
      turnAt = Date.now() + (isFrozen ? 6_000 : 1_000);
    }
    if (!isFrozen) return undefined;
    const held = await updatesInHand(place.client, app, worker.pid);
    const seen = await touched(app);
    const unseen = held.map(({ machine }) => machine).filter((machine) => !seen.has(machine));
    return unseen.length > 0 ? unseen : undefined;
  };
  return eventually('an update that the frozen worker was handed', look, 90_000);
}

test('a worker that was frozen and comes back writes nothing while the rollout says paused', async () => {
  const app = 'frozen';
  const room = `rollout:${app}`;
  const { fly } = place;
  await fly.make(app, { count: 60 });
  // The first machine flies alone; the second worker comes meanwhile, and of the many updates that follow at once the
  // server hands it some. The rollout's own tasks stay with the first worker.
  await fly.faultFor(15_000, { on: 'wait', app, effect: { delayMs: 4_000 } });
  await operator.start(app, { id: 'frozen-door' });
  await eventually('the first write', async () => Object.keys(await fly.written(app))[0]);
  const frozen = await startWorker({ temporalAddress: place.address, flyUrl: fly.url, pollBusy: '1s', pollCalm: '1s' });
  try {
    const swallowed = await freezeUntilItSwallows(frozen, app);
    const before = await touched(app);
    const untouched = swallowed.filter((machine) => !before.has(machine));
    expect(untouched, 'machines whose update only the frozen worker had').not.toEqual([]);
    await operator.signal(room, 'pause');
    await operator.when(app, 'paused', (status) => status.phase === 'paused', 60_000);
    // Before it says so it has fenced off what the frozen worker may have under way: their leases are taken and given back.
    const fenced = await touched(app);
    expect(untouched.filter((machine) => !fenced.has(machine))).toEqual([]);
    const since = await fly.next();

    frozen.signal('SIGCONT');
    // Alone with a sweep of another app it shows that it is awake, and long past what it had in its hands before.
    await place.stopWorker('SIGKILL');
    await fly.make('awake', { count: 1 });
    await operator.start('awake', { id: 'awake-door' });
    expect(await operator.result('awake-door')).toMatchObject({ status: 'COMPLETED' });
    // A lease that it had taken before it was frozen it may give back: a fenced one is refused.
    const changes = (await fly.changing(app, since)).filter(({ op }) => op !== 'release');
    const says = changes.map(({ op, machine }) => `${op} ${machine ?? ''}`);
    expect(says, 'what it did while the rollout said paused').toEqual([]);
    expect(await operator.status(app)).toMatchObject({ phase: 'paused' });

    await operator.signal(room, 'resume');
    expect(await operator.result('frozen-door')).toMatchObject({ status: 'COMPLETED' });
    expect(Object.values(await fly.written(app)).map((marks) => marks.length)).toEqual(Array(60).fill(1));
    await expectClean(place, app, 'run out');
  } finally {
    await frozen.stop('SIGKILL');
  }
}, 240_000);
