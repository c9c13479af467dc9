import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What reached a judge: the body of the question, and what came with it. */
export interface Questioned {
  readonly body: { readonly rollout: string; readonly step: string };
  readonly headers: IncomingHttpHeaders;
}

/** A judge at an address that passes everything. */
export interface JudgeServer {
  readonly url: string;
  close(): void;
}

/** @param onAsked is told of each question; what it returns is the answer's body. */
export async function openJudge(onAsked: (question: Questioned) => string): Promise<JudgeServer> {
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as Questioned['body'];
      response.writeHead(200).end(onAsked({ body, headers: request.headers }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
