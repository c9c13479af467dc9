import type { openSinks } from '../../src/proof/sink-server.js';

/** The kinds that the webhook `audit` was told of an app, in their order, each delivery once. */
export function toldOf({ arrived }: Awaited<ReturnType<typeof openSinks>>, app: string): string[] {
  const told = arrived.filter(({ path, body }) => path === '/audit' && body['app'] === app);
  return [...new Map(told.map(({ body }) => [body['delivery'], String(body['kind'])])).values()];
}
