import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { request } from 'undici';
import { freePort } from '../setup/program.js';

/** What a worker was given with the canary in it; each kind has to occur, or the proof shows nothing. */
export interface Planted {
  tokens: number;
  configs: number;
  checkOutputs: number;
  errorBodies: number;
  brokenAnswers: number;
  /** Questions of a gate that came with its token; the judge answers each with the canary. */
  judgeTokens: number;
  /** Calls to those who are told that came with a token of theirs, and answers of theirs with the canary. */
  sinkTokens: number;
  sinkAnswers: number;
}

/** A Fly that tells too much: stands before a simulator and puts the canary wherever an answer has room for it. */
export interface Poisoned {
  readonly url: string;
  readonly planted: Planted;
  close(): Promise<void>;
}

interface Exchange {
  readonly status: number;
  readonly asked: string;
  readonly answered: string;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Outputs of checks, and a field that no client knows, on every machine of an answer. */
function poisonMachines(value: unknown, canary: string, planted: Planted): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => poisonMachines(one, canary, planted));
  if (!isObject(value) || !isObject(value['config'])) return value;
  planted.configs += JSON.stringify(value['config']).includes(canary) ? 1 : 0;
  const checks = Array.isArray(value['checks']) ? value['checks'].filter(isObject) : [];
  planted.checkOutputs += checks.length;
  return { ...value, note: canary, checks: checks.map((check) => ({ ...check, output: `connect: ${canary}` })) };
}

/** An error says what it says today, and repeats the whole request, config and all. */
function poisonError({ asked }: Exchange, body: unknown, canary: string): object {
  const said = isObject(body) ? body : {};
  const error = typeof said['error'] === 'string' ? said['error'] : 'error';
  return { ...said, error: `${error} (${canary}) in request ${asked}`, details: { request: asked, hint: canary } };
}

function poisonAnswer(exchange: Exchange, canary: string, planted: Planted): string {
  try {
    const body: unknown = JSON.parse(exchange.answered);
    if (exchange.status < 400) return JSON.stringify(poisonMachines(body, canary, planted));
    planted.errorBodies += 1;
    return JSON.stringify(poisonError(exchange, body, canary));
  } catch {
    planted.brokenAnswers += 1;
    return `${exchange.answered} ${canary}`;
  }
}

/** Between two servers on one host these speak of the connection, not of the message. */
const OF_THE_CONNECTION = ['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length'];

const passedOn = (headers: IncomingMessage['headers']) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.includes(name)));

/** Starts one before the simulator at `flyUrl`. */
export async function poison(flyUrl: string, canary: string): Promise<Poisoned> {
  const planted = {
    tokens: 0,
    configs: 0,
    checkOutputs: 0,
    errorBodies: 0,
    brokenAnswers: 0,
    judgeTokens: 0,
    sinkTokens: 0,
    sinkAnswers: 0,
  };
  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    planted.tokens += incoming.headers.authorization?.includes(canary) === true ? 1 : 0;
    const asked = await text(incoming);
    const { statusCode, headers, body } = await request(`${flyUrl}${incoming.url ?? '/'}`, {
      method: (incoming.method ?? 'GET') as 'GET',
      headers: passedOn(incoming.headers),
      body: asked === '' ? null : asked,
      signal: gone.signal,
      headersTimeout: 0,
    });
    const exchange = { status: statusCode, asked, answered: await body.text() };
    response.writeHead(statusCode, passedOn(headers)).end(poisonAnswer(exchange, canary, planted));
  };
  const server = createServer((incoming, response) => {
    // A connection that the simulator cuts is cut for the worker too.
    pass(incoming, response).catch(() => incoming.socket.destroy());
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    planted,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
