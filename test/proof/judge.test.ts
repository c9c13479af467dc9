import { describe, expect, test } from 'vitest';
import { readJournal, readTruth } from '../../src/proof/evidence.js';
import { type Figure, judgeKills, type KillCase } from '../../src/proof/judge.js';
import { serve } from '../../src/simulator/http-server.js';
import { FIXED, type Lab, lab } from '../simulator/support.js';

const V1 = 'registry.fly.io/encoder:v1';
const V2 = 'registry.fly.io/encoder:v2';
const DIGEST = `sha256:${'2'.repeat(64)}`;
const [IDLE, WORKING, ASLEEP, SECOND] = ['a0000000000001', 'a0000000000002', 'a0000000000003', 'a0000000000004'];
const LATE = 'a0000000000005';
/** Works for ever, and is stopped by the sweep. */
const ENDLESS = 'a0000000000006';
const JOB = { lengthMs: 20_000 };

/** What a rollout may do, right and wrong, on a simulated Fly of five machines: two idle, one at work for a while and one for ever, one suspended. */
function fleet() {
  const world = lab({
    timing: FIXED,
    images: { [V1]: {}, [V2]: { digest: DIGEST } },
    apps: [
      {
        name: 'encoder',
        machines: [
          { ids: [IDLE, SECOND], image: V1, running: false },
          { ids: [WORKING], image: V1, job: JOB },
          { ids: [ENDLESS], image: V1, job: { lengthMs: 1e9 } },
          { ids: [ASLEEP], image: V1, state: 'suspended' },
        ],
      },
    ],
  });
  const call = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    (await world.call(method, path, body, headers)).json as Record<string, unknown>;
  const lease = async (id: string): Promise<Record<string, string>> => {
    const answer = await call('POST', `/machines/${id}/lease`, { ttl: 60, description: 'layover abc.one' });
    return { 'Fly-Machine-Lease-Nonce': (answer['data'] as { nonce: string }).nonce };
  };
  const write = async (id: string, { mark = 'abc.one#0', image = V2, ...more }: Wrong = {}): Promise<void> => {
    const { config, instance_id: version } = await call('GET', `/machines/${id}`);
    const { metadata } = config as { metadata: object };
    const marks = mark === '' ? {} : { layover_rollout: mark, layover_from: `${String(version)} stopped` };
    const env = { CHANGE: '1' };
    const body = { config: { ...(config as object), image, env, metadata: { ...metadata, ...marks } } };
    await call('POST', `/machines/${id}`, { ...body, skip_launch: true, ...more.body }, more.headers);
    await world.after(2_000);
  };
  const update = async (id: string, wrong: Wrong = {}): Promise<void> => {
    const headers = await lease(id);
    await write(id, { headers, ...wrong });
    await call('DELETE', `/machines/${id}/lease`, undefined, headers);
  };
  const post = (id: string, verb: string) => call('POST', `/machines/${id}/${verb}`, {});
  /** What a sweep does with a machine that never rests. */
  const force = async (id: string): Promise<void> => {
    await post(id, 'cordon');
    await post(id, 'stop');
    await world.after(2_000);
    await update(id);
    await post(id, 'start');
    await post(id, 'uncordon');
    await world.after(3_000);
  };
  /** Somebody calls the machine, and the proxy starts it: it is at work then. */
  const wake = async (id: string): Promise<void> => {
    await world.raw('POST', `/_simulator/machines/${id}/autostart`);
    await world.after(3_000);
  };
  return { world, call, post, lease, write, update, force, wake };
}
type Fleet = ReturnType<typeof fleet>;

interface Wrong {
  readonly mark?: string;
  readonly image?: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

/** A sweep as it should be, with what `crime` does at its end. */
async function swept(
  crime: (fleet: Fleet) => Promise<void>,
  left: readonly string[] = [],
): Promise<Omit<KillCase, 'unkilled'>> {
  const own = fleet();
  await own.world.after(21_000);
  for (const id of [IDLE, SECOND, WORKING]) if (!left.includes(id)) await own.update(id);
  await own.force(ENDLESS);
  await own.wake(WORKING);
  await crime(own);
  await own.call('GET', '/machines');
  await own.world.after(1);
  return evidenceOf(own.world);
}

async function evidenceOf({ sim, clock }: Lab): Promise<Omit<KillCase, 'unkilled'>> {
  const listening = await serve(sim, { port: 0 });
  const url = `http://127.0.0.1:${listening.port}`;
  const [journal, final] = [await readJournal(url), await readTruth(url)];
  await listening.close();
  const endedAt = clock.now();
  const sweeps = [{ app: 'encoder', digest: DIGEST, env: { CHANGE: '1' }, endedAt, truth: final }];
  return { journal, final, endedAt, sweeps, forceAfterMs: 10_000, boots: 1 };
}

const innocent = async (): Promise<void> => undefined;

async function verdict(crime: (fleet: Fleet) => Promise<void>, left?: readonly string[]): Promise<Figure[]> {
  return judgeKills({ ...(await swept(crime, left)), unkilled: await swept(innocent) });
}

const wrongOf = (figures: readonly Figure[]): Record<string, number> =>
  Object.fromEntries(figures.filter(({ wrong }) => wrong > 0).map(({ says, wrong }) => [says, wrong]));

describe('the judge', () => {
  test('finds nothing wrong with a sweep that did everything right, and looked at every kind of evidence', async () => {
    const figures = await verdict(innocent);
    expect(wrongOf(figures)).toEqual({});
    expect(figures.filter(({ of }) => of === 0)).toEqual([]);
  });

  test('condemns a second write of the same change', async () => {
    const figures = await verdict((fleet) => fleet.update(IDLE));
    expect(wrongOf(figures)).toEqual({ 'machines written twice for one change': 1 });
  });

  test('condemns a second write by another start of the same change', async () => {
    const figures = await verdict((fleet) => fleet.update(IDLE, { mark: 'abc.two#0' }));
    expect(wrongOf(figures)).toEqual({ 'machines written twice for one change': 1 });
  });

  test('condemns a second write whose answer was lost', async () => {
    const figures = await verdict(async (fleet) => {
      await fleet.world.raw('POST', '/_simulator/faults', { on: 'update', effect: { loseAnswer: true } });
      await fleet.update(IDLE);
    });
    expect(wrongOf(figures)).toEqual({ 'machines written twice for one change': 1 });
  });

  test('lets a second write pass when a person asked for the retry', async () => {
    const figures = await verdict((fleet) => fleet.update(IDLE, { mark: 'abc.one#1' }));
    expect(wrongOf(figures)).not.toHaveProperty('machines written twice for one change');
  });

  test('condemns a write without its record on the machine', async () => {
    const figures = await verdict((fleet) => fleet.update(IDLE, { mark: '' }), [IDLE]);
    expect(wrongOf(figures)).toMatchObject({ 'writes without their record on the machine': 1 });
  });

  test('condemns a machine left on its old image', async () => {
    const figures = await verdict(innocent, [SECOND]);
    expect(wrongOf(figures)).toMatchObject({ 'machines forgotten': 1 });
  });

  test('condemns a machine made meanwhile and left on its old image', async () => {
    const late = { app: 'encoder', ids: [LATE], image: V1, running: false };
    const figures = await verdict(async (fleet) => {
      await fleet.world.raw('POST', '/_simulator/create-machines', late);
      await fleet.world.after(1);
    });
    expect(wrongOf(figures)).toMatchObject({ 'machines forgotten': 1 });
  });

  test('condemns a machine on another image than the one asked for', async () => {
    const figures = await verdict((fleet) => fleet.update(IDLE, { image: V1 }), [IDLE]);
    expect(wrongOf(figures)).toMatchObject({
      'machines forgotten': 1,
      'machines that differ from a run without kills': 1,
    });
  });

  test('condemns a write to a suspended machine', async () => {
    const figures = await verdict((fleet) => fleet.update(ASLEEP));
    expect(wrongOf(figures)).toMatchObject({ 'machines written that were not idle': 1 });
  });

  test('condemns a cut job, and the write to a machine at work that cut it', async () => {
    const figures = await verdict(
      async (fleet) => {
        await fleet.update(WORKING);
      },
      [WORKING],
    );
    expect(wrongOf(figures)).toMatchObject({
      'jobs cut before their deadline': 1,
      'machines written that were not idle': 1,
    });
  });

  test('condemns a job cut by a stop before its deadline, and a machine left stopped', async () => {
    const figures = await verdict((fleet) => fleet.post(WORKING, 'stop').then(() => fleet.world.after(2_000)));
    expect(wrongOf(figures)).toMatchObject({
      'jobs cut before their deadline': 1,
      'machines left held, cordoned or stopped that should not be': 1,
    });
  });

  test('condemns a machine left held, and one left cordoned', async () => {
    const figures = await verdict(async (fleet) => {
      await fleet.call('POST', `/machines/${ENDLESS}/metadata/layover_hold`, { value: '{}' });
      await fleet.post(SECOND, 'cordon');
    });
    expect(wrongOf(figures)).toMatchObject({ 'machines left held, cordoned or stopped that should not be': 2 });
  });

  test('lets as many machines be booted after their write as were asked for, and no more', async () => {
    const boot = (fleet: Fleet, id: string) => fleet.post(id, 'start').then(() => fleet.world.after(5_000));
    expect(wrongOf(await verdict((fleet) => boot(fleet, IDLE)))).toEqual({});
    const both = await verdict((fleet) => boot(fleet, IDLE).then(() => boot(fleet, SECOND)));
    expect(wrongOf(both)).toMatchObject({ 'idle machines started that nobody asked for': 1 });
  });

  test('condemns a start call on an idle machine that nobody wrote', async () => {
    const figures = await verdict((fleet) =>
      fleet.call('POST', `/machines/${ASLEEP}/start`).then(() => fleet.world.after(5_000)),
    );
    expect(wrongOf(figures)).toMatchObject({ 'idle machines started that nobody asked for': 1 });
  });

  test('condemns a lease that outlives the end by more than 60 s, and no younger one', async () => {
    const refreshed = await verdict(async (fleet) => {
      await fleet.call('POST', `/machines/${IDLE}/lease`, { ttl: 62, description: 'layover abc.one' });
    });
    expect(wrongOf(refreshed)).toEqual({ 'leases of ours alive 60 s after the end': 1 });
    const young = await verdict(async (fleet) => void (await fleet.lease(IDLE)));
    expect(wrongOf(young)).toEqual({});
  });

  test('leaves the leases of others alone', async () => {
    const figures = await verdict(async (fleet) => {
      await fleet.call('POST', `/machines/${IDLE}/lease`, { ttl: 600, description: 'fly deploy' });
    });
    expect(wrongOf(figures)).toEqual({});
  });

  test('condemns a final fleet that lost a field of a config', async () => {
    const figures = await verdict((fleet) =>
      fleet.update(IDLE, { mark: 'other.one#0', body: { config: { image: V2 } } }),
    );
    expect(wrongOf(figures)).toMatchObject({ 'machines that differ from a run without kills': 1 });
  });
});
