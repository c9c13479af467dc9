import { createServer } from 'node:http';
import { once } from 'node:events';
import type { Listen } from './config.js';

/** Whether the worker takes work, and why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly says: string;
}

/** A running health endpoint. */
export interface Health {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `GET /healthz` (the process answers: 200) and `GET /readyz` (200 when it polls and Temporal answers, else 503
 * with the reason). It shows no setting and takes no command.
 * @throws Error that names the setting when the address cannot be listened on.
 */
export async function serveHealth(listen: Listen, readiness: () => Promise<Readiness>): Promise<Health> {
  const server = createServer((request, response) => {
    const answer = (status: number, says: string) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${says}\n`);
    };
    if (request.method !== 'GET') return answer(405, 'GET only');
    if (request.url === '/healthz') return answer(200, 'alive');
    if (request.url !== '/readyz') return answer(404, 'there are /healthz and /readyz');
    readiness().then(
      ({ ready, says }) => answer(ready ? 200 : 503, says),
      () => answer(503, 'does not know'),
    );
  });
  server.listen(listen.port, listen.host.replace(/^\[|\]$/g, ''));
  try {
    await once(server, 'listening');
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    throw new Error(`LAYOVER_HEALTH names an address that cannot be listened on: ${says}`, { cause: error });
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : listen.port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
