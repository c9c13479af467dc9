import { describe, expect, test } from 'vitest';
import { realOutside } from '../../src/cli/outside.js';
import { watchStatus } from '../../src/cli/watch-status.js';
import { V1, V2 } from '../support/fly.js';
import { makeLasting, operatorOf } from '../support/operator.js';
import { beginLayover, layover } from '../support/outside.js';
import { eventually, usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);
const env = () => ({
  TEMPORAL_ADDRESS: place.address,
  FLY_API_TOKEN: 'x',
  FLY_FLAPS_BASE_URL: place.fly.url,
});
const status = (...args: string[]) => layover(['status', ...args], { env: env() });

/** A sweep that has updated its two idle machines and waits for the working one. */
async function lasting(app: string): Promise<string> {
  const working = await makeLasting(place, app);
  await operator.start(app);
  await operator.when(app, 'waits', ({ counts, reason }) => counts.atTarget === 2 && reason === 'waiting');
  return working;
}

describe('layover status', () => {
  test.concurrent('says where a rollout stands, what it waits for and since when, and what can be typed', async () => {
    const working = await lasting('stands');
    const { code, out, err } = await status('stands');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^stands: running, 2 of 3 machines at target\nwaiting for 1 working machine to stop, since 20/);
    expect(out).toMatch(/waits for\n {2}- 1 working machine to stop, since \S+ \(\d+s ago\), until \S+ at the latest/);
    expect(out).toMatch(new RegExp(`${working} +ord +app +working`));
    expect(out).toContain('temporal workflow signal --workflow-id rollout:stands --name pause');
    const asJson = await status('stands', '--json');
    const asked = await place.client.workflow.getHandle('rollout:stands').query('status');
    expect(JSON.parse(asJson.out)).toEqual({ kind: 'running', status: asked });
  });

  test.concurrent('of an app without a rollout ends 3 and says where else to look', async () => {
    const { code, out, err } = await status('nobody');
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('there is no rollout (no workflow rollout:nobody at ');
    expect(err).toContain('layover status nobody --from-fly');
  });

  test.concurrent('of a completed rollout ends 0, of an aborted one 1 with its own words', async () => {
    const working = await lasting('ends');
    await operator.signal('rollout:ends', 'abort', { reason: 'wrong image' });
    await operator.result('rollout:ends');
    const aborted = await status('ends');
    expect(aborted.code).toBe(1);
    expect(aborted.out).toMatch(/^ends: the rollout ended FAILED at .*\naborted: 2 of 3 machines .*wrong image/);
    await place.fly.act(working, 'exit');
    await operator.endOf('ends', { id: 'ends-again' });
    const completed = await status('ends');
    expect(completed.code).toBe(0);
    expect(completed.out).toMatch(/^ends: the rollout ended COMPLETED at /);
  });

  test.concurrent('of a rollout that was refused says why, and not that it is planning', async () => {
    await place.fly.make('refused', { count: 1 });
    await operator.execute('refused', { input: { only: { regions: ['xyz'] } } });
    const { code, out } = await status('refused');
    expect(code).toBe(1);
    expect(out).toMatch(/ended FAILED at .*\n.*xyz/);
    expect(out).not.toContain('planning');
  });

  test.concurrent('of a terminated one says so', async () => {
    await lasting('gone');
    await place.cli('workflow terminate --workflow-id rollout:gone --reason x');
    const { code, out } = await status('gone');
    expect(code).toBe(1);
    expect(out).toMatch(/^gone: the rollout ended TERMINATED at /);
  });

  test.concurrent.each([
    ['a wrong app name', ['En coder'], {}, 'is no Fly app name'],
    ['a namespace that is not there', ['x'], { TEMPORAL_NAMESPACE: 'nowhere' }, 'has no such namespace'],
    [
      'a server that is not there',
      ['x'],
      { TEMPORAL_ADDRESS: '127.0.0.1:9' },
      'Temporal at 127.0.0.1:9 does not answer',
    ],
    ['an address that is none', ['x'], { TEMPORAL_ADDRESS: 'http://x' }, 'TEMPORAL_ADDRESS must be host and port'],
    ['two ways to ask at once', ['x', '--watch', '--from-fly'], {}, 'choose one'],
  ])('%s', async (what, args, more, says) => {
    const { code, out, err } = await layover(['status', ...args], { env: { ...env(), ...more } });
    expect(code).toBe(what.includes('that is not there') ? 5 : 2);
    expect(out).toBe('');
    expect(err).toContain(says);
  });
});

describe('layover status --watch', () => {
  test.concurrent('writes a line for each change where it is no terminal, and ends as the rollout ends', async () => {
    const working = await lasting('lines');
    const watch = beginLayover(['status', 'lines', '--watch'], { env: env() });
    await eventually('the first line', () => (watch.out().includes('waiting for 1 working') ? true : undefined));
    await operator.signal('rollout:lines', 'pause', { reason: 'a look', by: 'ann' });
    await eventually('the pause', () => (watch.out().includes('paused by ann: a look') ? true : undefined));
    await operator.signal('rollout:lines', 'resume');
    await place.fly.act(working, 'exit');
    const { code, out } = await watch.end;
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^20\S+Z running: 2 of 3 at target; waiting for 1 working machine to stop, for \d+s$/);
    expect(lines.at(-1)).toMatch(/^20\S+Z ended COMPLETED: /);
    expect(out).not.toContain('\u001b');
    const said = lines.map((line) => line.replace(/^\S+ |, for .*$/g, ''));
    expect(said.filter((line, at) => line === said[at - 1])).toEqual([]);
  });

  test.concurrent('is drawn again in place on a terminal', async () => {
    await lasting('drawn');
    const watch = beginLayover(['status', 'drawn', '--watch'], { env: env(), isTerminal: true });
    await eventually('a second picture', () => (watch.out().includes('\u001b[0J\u001b[') ? true : undefined));
    await operator.signal('rollout:drawn', 'abort', { reason: 'enough' });
    const { code, out } = await watch.end;
    expect(code).toBe(1);
    expect(out).toMatch(/waits for\n.*- 1 working machine to stop, since /);
    expect(out).toContain('the rollout ended FAILED');
  });

  test.concurrent('gives each change as one JSON line when asked to', async () => {
    const working = await lasting('stream');
    const watch = beginLayover(['status', 'stream', '--watch', '--json'], { env: env() });
    await eventually('the first line', () => (watch.out().includes('\n') ? true : undefined));
    await place.fly.act(working, 'exit');
    const { code, out } = await watch.end;
    const kinds = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect({ code, first: kinds[0], last: kinds.at(-1) }).toEqual({ code: 0, first: 'running', last: 'ended' });
  });

  test.concurrent('Ctrl-C ends the watch and not the rollout', async () => {
    await lasting('left');
    const stop = new AbortController();
    const watch = beginLayover(['status', 'left', '--watch'], { env: env(), stopped: stop.signal });
    await eventually('the first line', () => (watch.out().includes('\n') ? true : undefined));
    stop.abort();
    expect((await watch.end).code).toBe(0);
    expect((await operator.status('left')).phase).toBe('running');
  });

  test('Ctrl-C ends the watch at once, also while no answer comes', async () => {
    const stop = new AbortController();
    const said: string[] = [];
    const outside = {
      ...realOutside(),
      say: (line: string) => void said.push(line),
      untilStopped: () => stop.signal,
    };
    const silent = { app: 'mute', address: 'nowhere', json: true, ask: () => new Promise<never>(() => undefined) };
    const ends = watchStatus(silent, outside);
    stop.abort();
    expect(await ends).toBe(0);
    expect(said).toEqual([]);
  });

  test.concurrent('waits some seconds for a rollout that was just started, and ends 3 when none comes', async () => {
    await place.fly.make('soon', { count: 1 });
    const watch = beginLayover(['status', 'soon', '--watch'], { env: env() });
    await eventually('the first line', () => (watch.out().includes('there is no rollout') ? true : undefined));
    await operator.start('soon');
    expect((await watch.end).code).toBe(0);
    expect((await status('never', '--watch')).code).toBe(3);
  });
});

describe('layover status --from-fly', () => {
  const fromFly = (...args: string[]) =>
    layover(['status', ...args, '--from-fly'], { env: { ...env(), TEMPORAL_ADDRESS: '127.0.0.1:9' } });

  test.concurrent(
    'shows marks, versions and images from the machines alone, with no Temporal to be reached',
    async () => {
      await lasting('marked');
      const { rollout } = await operator.status('marked');
      const { code, out } = await fromFly('marked');
      expect(code).toBe(0);
      expect(out).toMatch(/^marked: 3 machines, 2 carry a rollout's mark, 0 not well\n/);
      expect(out).toMatch(new RegExp(`rollouts\n +machines +rollout\n +2 +${rollout}\n`));
      expect(out).toMatch(
        / +2 +registry\.fly\.io\/encoder:v2@sha256:[0-9a-f]{12}\n +1 +registry\.fly\.io\/encoder:v1@/,
      );
      const asJson = JSON.parse((await fromFly('marked', '--json')).out) as { machines: Record<string, string>[] };
      const written = asJson.machines.filter((machine) => machine['rollout'] !== undefined);
      expect(written).toHaveLength(2);
      expect(written[0]?.['rollout']).toBe(`${rollout}#0`);
      expect(written[0]?.['fromImage']).toMatch(/encoder:v1@sha256:/);
    },
  );

  test.concurrent('shows a hold, and the last output of checks that fail', async () => {
    await place.fly.image('registry.fly.io/encoder:sick', { failsChecks: true });
    const checks = { up: { type: 'http', port: 80, interval: '1s', timeout: '1s' } };
    const metadata = { layover_hold: '{"rollout":"a.b","started":true,"cordoned":false}' };
    const [held = ''] = await place.fly.make('sick', { count: 1, metadata });
    const block = { count: 1, running: true, image: 'registry.fly.io/encoder:sick', config: { checks } };
    const [sick = ''] = await place.fly.make('sick', block);
    await eventually('a failing check', async () => {
      const { out } = await fromFly('sick');
      return out.includes('checks do not pass') ? out : undefined;
    });
    const { out } = await fromFly('sick');
    expect(out).toContain(`held by a rollout\n  ${held}: {"rollout":"a.b","started":true,"cordoned":false}`);
    expect(out).toMatch(new RegExp(`not well\n {2}${sick} ord app: 1 of 1 checks do not pass\n {4}up critical: \\S`));
    expect(out).toContain(V1);
  });

  test.concurrent('an app that Fly does not know ends 3, a Fly that is away 5, a missing token 2', async () => {
    expect((await fromFly('nobody')).code).toBe(3);
    const away = await layover(['status', 'x', '--from-fly'], {
      env: { ...env(), FLY_FLAPS_BASE_URL: 'http://127.0.0.1:9' },
    });
    expect(away.code).toBe(5);
    const bare = await layover(['status', 'x', '--from-fly'], { env: {} });
    expect(bare.code).toBe(2);
    expect(bare.err).toContain('FLY_API_TOKEN');
  });
});

describe('layover explain', () => {
  const explain = (...args: string[]) => layover(['explain', ...args], { env: env() });

  test.concurrent('tells who did what when and why, in at most 40 lines, and as an audit', async () => {
    const working = await lasting('explains');
    await operator.update('rollout:explains', 'pause', { reason: '5xx spike', by: 'ann' });
    await operator.update('rollout:explains', 'resume', { by: 'ben' });
    await operator.signal('rollout:explains', 'abort', { reason: 'wrong image', by: 'ann' });
    await operator.result('rollout:explains');
    const { code, out, err } = await explain('explains');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(lines[0]).toMatch(/^explains: ended FAILED at .*: aborted: 2 of 3 machines/);
    expect(out).toMatch(/Z {2}started by \S+, as /);
    expect(out).toMatch(
      /Z {2}pause: 5xx spike \(by ann\)\n.*Z {2}resume \(by ben\)\n.*Z {2}abort: wrong image \(by ann\)/,
    );
    expect(out).toMatch(/2 {2}written by [a-f0-9]{12}\.\w+, before that registry\.fly\.io\/encoder:v1/);
    const audit = (await explain('explains', '--json')).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; says: string; machine?: { id: string } });
    expect(audit.map(({ what }) => what)).toEqual([
      'standing',
      'started',
      'happened',
      'happened',
      'happened',
      'ended',
      'machine',
      'machine',
      'machine',
    ]);
    expect(audit.find(({ machine }) => machine?.id === working)?.machine).toMatchObject({ state: 'started' });
  });

  test.concurrent('of a rollout that was terminated tells as far as its last word', async () => {
    await lasting('explained-away');
    await operator.update('rollout:explained-away', 'pause', { reason: '5xx spike', by: 'ann' });
    await place.cli('workflow terminate --workflow-id rollout:explained-away --reason enough');
    const { out } = await explain('explained-away');
    expect(out).toMatch(/^explained-away: ended TERMINATED at .*enough/);
    expect(out).toMatch(/Z {2}started by [^ ]+@[^ ]+, as /);
    expect(out).toContain('pause: 5xx spike (by ann)');
    expect(out).not.toContain('waits for');
  });

  test.concurrent('that cannot ask Temporal says so in its audit, and ends 5', async () => {
    await place.fly.make('unasked', { count: 1 });
    const { code, out } = await layover(['explain', 'unasked', '--json'], {
      env: { ...env(), TEMPORAL_ADDRESS: '127.0.0.1:1' },
    });
    expect(code).toBe(5);
    const [first] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; says: string });
    expect(first).toMatchObject({ what: 'standing', says: expect.stringContaining('does not answer') as string });
  });

  test.concurrent('of an app that Temporal knows nothing of tells what its machines say', async () => {
    await place.fly.make('unknown', { count: 2 });
    const { code, out } = await explain('unknown');
    expect(code).toBe(0);
    expect(out).toMatch(/^unknown: Temporal at \S+ knows of no rollout/);
    expect(out).toContain('2  without the mark of a rollout');
  });
});
