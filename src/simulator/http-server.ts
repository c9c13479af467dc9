import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Simulator } from './simulator.js';

/** A simulator that listens. */
export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves a simulator over HTTP, on the loopback address unless told otherwise; port 0 takes a free one. */
export function serve(
  simulator: Simulator,
  { port, host = '127.0.0.1' }: { port: number; host?: string },
): Promise<Listening> {
  const server = createServer((request, response) => void answer(simulator, request, response));
  // Longer than clients keep idle connections: a connection closed under a client's request would look like a fault.
  server.keepAliveTimeout = 120_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () =>
          new Promise((closed) => {
            simulator.close();
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function answer(simulator: Simulator, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const body = await bodyOf(request);
    const { method = 'GET', url = '/' } = request;
    const answered = await simulator.handle({
      method,
      url,
      headers: headersOf(request),
      signal: gone.signal,
      ...(body !== '' && { body }),
    });
    if (answered === 'cut') return void request.socket.destroy();
    response.writeHead(answered.status, answered.headers).end(answered.body);
  } catch (reason) {
    // A defect of the simulator, and shown as one: Fly's own 500s come from faults.
    if (gone.signal.aborted) return;
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: `simulator defect: ${String(reason)}` }));
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
