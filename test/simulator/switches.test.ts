import { afterEach, describe, expect, test } from 'vitest';
import { parseScenario, type ScenarioInput } from '../../src/simulator/scenario.js';
import { SWITCHES, type SwitchName } from '../../src/simulator/switches.js';
import { textOf } from '../house/files.js';
import { type Lab, M1, oneMachine, servedLab, START, V1, V2 } from './support.js';

const ME = `/machines/${M1}`;
const on = (verb: string) => `/_simulator${ME}/${verb}`;
const CONFIG = { image: V2 };
const STEADY = { switches: { rateLimits: true } } as const;

/** A world with the switch set. */
type Make = (machine?: object, extra?: Partial<ScenarioInput>) => Promise<Lab>;
interface Shown {
  /** What Fly is asked; its result is what the switch is about. */
  readonly ask: (make: Make) => Promise<unknown>;
  /** One for each setting, in the order of the table. */
  readonly answers: readonly unknown[];
}

const statusOf = async (reply: Promise<{ status: unknown }>) => (await reply).status;
const settled = (world: Lab, path = ME) => world.call('GET', `${path}/wait?state=settled&timeout=60`);

/** The status of the last of four calls that come at once. */
async function fourth(world: Lab, method: string, path: string) {
  for (let i = 0; i < 3; i += 1) expect((await world.call(method, path)).status).toBe(200);
  return world.call(method, path);
}

const leaseSeconds = async (world: Lab, body: object) => {
  const reply = await world.call('POST', `${ME}/lease`, body);
  return (reply.json as { data: { expires_at: number } }).data.expires_at - START / 1000;
};

async function withExpiredNonce(make: Make) {
  const world = await make();
  const nonce = await world.lease({ ttl: 1 });
  await world.after(2000);
  return statusOf(world.update(CONFIG, {}, nonce));
}

const SHOWS: Readonly<Record<SwitchName, Shown>> = {
  leaseBlocksAutostart: {
    async ask(make) {
      const world = await make({ state: 'stopped' });
      await world.lease({ ttl: 600 });
      await world.raw('POST', on('autostart'));
      return (await world.get()).state;
    },
    answers: ['stopped', 'starting'],
  },
  leaseBlocksAutostop: {
    async ask(make) {
      const world = await make();
      await world.lease({ ttl: 600 });
      await world.raw('POST', on('autostop'));
      return (await world.get()).state;
    },
    answers: ['started', 'stopping'],
  },
  leaseDefaultTtl: { ask: async (make) => leaseSeconds(await make(), {}), answers: [60, 5] },
  leaseMaxTtl: { ask: async (make) => leaseSeconds(await make(), { ttl: 7200 }), answers: [3600, 30] },
  expiredNonceAccepted: { ask: withExpiredNonce, answers: [400, 200] },
  expiredNonceStatus: { ask: withExpiredNonce, answers: [400, 409] },
  signalGuarded: {
    async ask(make) {
      const world = await make();
      await world.lease();
      return statusOf(world.call('POST', `${ME}/signal`, { signal: 9 }));
    },
    answers: [409, 200],
  },
  memoryGuarded: {
    async ask(make) {
      const world = await make();
      await world.lease();
      return statusOf(world.call('PUT', `${ME}/memory`, { limit_mb: 128 }));
    },
    answers: [200, 409],
  },
  currentVersionEnforced: {
    ask: async (make) => statusOf((await make()).update(CONFIG, { current_version: 'another' })),
    answers: [409, 200],
  },
  currentVersionStatus: {
    ask: async (make) => statusOf((await make()).update(CONFIG, { current_version: 'another' })),
    answers: [409, 412],
  },
  identicalMintsVersion: {
    async ask(make) {
      const world = await make();
      const { config, instance_id: before } = await world.get();
      expect((await world.update(config ?? {})).status).toBe(200);
      const { instance_id: after, state } = await world.get();
      return { same: after === before, state };
    },
    answers: [
      { same: false, state: 'replacing' },
      { same: true, state: 'started' },
    ],
  },
  skipLaunchUpdateState: {
    async ask(make) {
      const world = await make();
      await world.update(CONFIG, { skip_launch: true });
      await settled(world);
      return (await world.get()).state;
    },
    answers: ['stopped', 'created'],
  },
  skipLaunchCreateState: {
    async ask(make) {
      const world = await make();
      const made = await world.call('POST', '/machines', { config: CONFIG, skip_launch: true });
      const path = `/machines/${(made.json as { id: string }).id}`;
      await settled(world, path);
      return ((await world.call('GET', path)).json as { state: string }).state;
    },
    answers: ['stopped', 'created'],
  },
  createdStarts: {
    ask: async (make) => statusOf((await make({ state: 'created' })).call('POST', `${ME}/start`)),
    answers: [200, 412],
  },
  startedStartStatus: {
    ask: async (make) => statusOf((await make()).call('POST', `${ME}/start`)),
    answers: [200, 412],
  },
  destroyRunningStatus: {
    ask: async (make) => statusOf((await make()).call('DELETE', ME)),
    answers: [412, 409],
  },
  capacityStatus: {
    ask: async (make) =>
      statusOf((await make({}, { faults: [{ on: 'update', effect: { noCapacity: 'machine' } }] })).update(CONFIG)),
    answers: [412, 503, 409, 422],
  },
  suspendRefusedStatus: {
    ask: async (make) =>
      statusOf((await make({ config: { guest: { memory_mb: 4096 } } })).call('POST', `${ME}/suspend`)),
    answers: [412, 400],
  },
  lostHostRefusesLeases: {
    async ask(make) {
      const world = await make({ host: { lostAtMs: 0 } });
      const lease = await statusOf(world.call('POST', `${ME}/lease?ttl=13`));
      const { status } = await world.call('POST', `${ME}/start`);
      return { lease, destroy: await statusOf(world.call('DELETE', `${ME}?kill=true`)), start: status };
    },
    answers: [
      { lease: 503, destroy: 503, start: 503 },
      { lease: 201, destroy: 409, start: 503 },
    ],
  },
  secretsBehindStatus: {
    ask: async (make) => statusOf((await make()).update(CONFIG, { min_secrets_version: 9 })),
    answers: [412, 503],
  },
  restartReadsSecrets: {
    async ask(make) {
      const world = await make();
      await world.call('POST', '/secrets', { values: { KEY: 'new' } });
      expect((await world.call('POST', `${ME}/restart`)).status).toBe(200);
      await world.call('GET', `${ME}/wait`);
      return world.sim.machines()[0]?.secretsVersion;
    },
    answers: [1, undefined],
  },
  versionsKeepReverted: {
    async ask(make) {
      const world = await make({}, { images: { [V1]: {}, [V2]: { reverts: true } } });
      await world.update(CONFIG);
      await settled(world);
      return ((await world.call('GET', `${ME}/versions`)).json as unknown[]).length;
    },
    answers: [2, 1],
  },
  updateAnswersEvents: {
    ask: async (make) => 'events' in ((await (await make()).update(CONFIG)).json as object),
    answers: [true, false],
  },
  waitAnswersState: {
    ask: async (make) => Object.keys((await (await make()).call('GET', `${ME}/wait`)).json as object),
    answers: [['ok', 'state', 'version', 'event_id'], ['ok']],
  },
  waitReplaced: {
    async ask(make) {
      const world = await make();
      const { instance_id: old } = await world.get();
      await world.update(CONFIG);
      const { status, text } = await world.call('GET', `${ME}/wait?version=${old}&timeout=5`);
      expect(text).toContain('currently replaced');
      return { status, after: world.clock.now() - START };
    },
    answers: [
      { status: 412, after: 0 },
      { status: 408, after: 5000 },
    ],
  },
  rateLimits: {
    ask: async (make) => statusOf(fourth(await make(), 'POST', `${ME}/start`)),
    answers: [200, 429],
  },
  rateLimitCountsWait: {
    ask: async (make) => statusOf(fourth(await make({}, STEADY), 'GET', `${ME}/wait`)),
    answers: [429, 200],
  },
  rateLimitRetryAfter: {
    ask: async (make) => (await fourth(await make({}, STEADY), 'POST', `${ME}/start`)).headers['retry-after'],
    answers: [undefined, '1'],
  },
  rateLimitBody: {
    ask: async (make) => (await fourth(await make({}, STEADY), 'POST', `${ME}/start`)).text,
    answers: ['{"error":"rate limit exceeded"}', 'rate limit exceeded'],
  },
};

/** `expiredNonceStatus` is about what the other switch refuses; every other one stands alone. */
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((world) => world.close()));
});

const cases = (Object.keys(SWITCHES) as SwitchName[]).flatMap((name) =>
  SWITCHES[name].settings.map((setting, at) => ({ name, setting, at })),
);

describe('each switch shows every setting over HTTP', () => {
  test.each(cases)('$name: $setting', async ({ name, setting, at }) => {
    const make: Make = async (machine, extra = {}) => {
      const switches = { ...extra.switches, [name]: setting };
      const world = await servedLab(oneMachine(machine, { ...extra, switches }));
      opened.push(world);
      return world;
    };
    expect(await SHOWS[name].ask(make)).toEqual(SHOWS[name].answers[at]);
  });
});

test('no two settings of a switch look the same', () => {
  for (const [name, { answers }] of Object.entries(SHOWS)) {
    const settings = SWITCHES[name as SwitchName].settings.length;
    expect([name, new Set(answers.map((answer) => JSON.stringify(answer))).size]).toEqual([name, settings]);
  }
});

test('a scenario may set each switch to its settings and nothing else', () => {
  for (const [name, { settings }] of Object.entries(SWITCHES)) {
    for (const setting of settings) {
      expect(parseScenario({ switches: { [name]: setting } }).switches).toMatchObject({ [name]: setting });
    }
    expect(parseScenario({}).switches).toMatchObject({ [name]: settings[0] });
    expect(() => parseScenario({ switches: { [name]: 'neither' } })).toThrow(name);
  }
  expect(() => parseScenario({ switches: { noSuchSwitch: true } })).toThrow('noSuchSwitch');
});

test('docs/simulator.md shows the table of the switches as it is', () => {
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const rows = textOf('docs/simulator.md')
    .split('\n')
    .map(cells)
    .filter(([name = '']) => /^`\w+`$/.test(name) && name.slice(1, -1) in SWITCHES);
  const table = Object.entries(SWITCHES).map(([name, { settings, changes, source }]) => {
    const [first, ...others] = settings.map(String);
    return [`\`${name}\``, first, others.join(', '), changes, source];
  });
  expect(rows).toEqual(table);
});
