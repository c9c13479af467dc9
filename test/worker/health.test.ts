import { afterEach, describe, expect, test } from 'vitest';
import { type Health, type Readiness, serveHealth } from '../../src/worker/health.js';

let health: Health | undefined;
afterEach(() => health?.close());

async function served(readiness: () => Promise<Readiness>) {
  health = await serveHealth({ host: '127.0.0.1', port: 0 }, readiness);
  const { port } = health;
  return async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return `${answer.status} ${(await answer.text()).trim()}`;
  };
}

describe('the health endpoint', () => {
  test('is alive whether or not it is ready, and says why it is not', async () => {
    let now: Readiness = { ready: false, says: 'connecting to Temporal' };
    const ask = await served(() => Promise.resolve(now));
    expect(await ask('/healthz')).toBe('200 alive');
    expect(await ask('/readyz')).toBe('503 connecting to Temporal');
    now = { ready: true, says: 'polling' };
    expect(await ask('/readyz')).toBe('200 polling');
  });

  test('a readiness that breaks is not ready', async () => {
    const ask = await served(() => Promise.reject(new Error('secret')));
    expect(await ask('/readyz')).toBe('503 does not know');
  });

  test('takes no command and knows no other path', async () => {
    const ask = await served(() => Promise.resolve({ ready: true, says: 'polling' }));
    expect(await ask('/readyz', 'POST')).toMatch(/^405 /);
    expect(await ask('/env')).toMatch(/^404 /);
  });

  test('an address that is taken is refused with the setting’s name', async () => {
    await served(() => Promise.resolve({ ready: true, says: '' }));
    const again = serveHealth({ host: '127.0.0.1', port: health?.port ?? 0 }, () => Promise.reject(new Error()));
    await expect(again).rejects.toThrow(/^LAYOVER_HEALTH names an address that cannot be listened on: .*EADDRINUSE/);
  });
});
