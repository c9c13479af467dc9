import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call that arrived, whatever became of it. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What goes wrong with a call; `after`: it took effect first. */
export interface SinkFault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection is cut without an answer. */
  readonly cut?: true;
  /** The connection stays open, and no answer comes. */
  readonly hang?: true;
  readonly after?: true;
}

export interface SlackMessage {
  readonly ts: string;
  text: string;
  readonly thread?: string;
  readonly broadcast: boolean;
  readonly metadata: unknown;
}

interface Deployment {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly payload: unknown;
  readonly statuses: { readonly state: string; readonly description: string }[];
}

/** Slack, GitHub and any webhook on loopback, as far as Layover asks them: by the shapes of their documents. */
export interface SinkServer {
  readonly url: string;
  readonly arrived: readonly Arrived[];
  readonly messages: readonly SlackMessage[];
  readonly deployments: readonly Deployment[];
  readonly comments: readonly { readonly id: number; readonly issue: string; body: string }[];
  /** Asked of every call before it is served. */
  fault(decide: (call: Arrived) => SinkFault | undefined): void;
  /** Somebody deletes a message. */
  deleteMessage(ts: string): void;
  close(): void;
}

type Reply = readonly [status: number, body: unknown];

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

async function read(request: IncomingMessage): Promise<Arrived> {
  let text = '';
  for await (const chunk of request) text += (chunk as Buffer).toString();
  const url = new URL(request.url ?? '/', 'http://sink');
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const isJson = headers['content-type']?.startsWith('application/json') === true;
  const body = (isJson ? JSON.parse(text) : {}) as Arrived['body'];
  return { method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, headers, text, body };
}

function createSlack() {
  const messages: SlackMessage[] = [];
  let posted = 0;
  const view = ({ ts, text, metadata }: SlackMessage) => ({ ts, text, metadata });
  const page = (found: readonly SlackMessage[]): Reply => [200, { ok: true, messages: found.map(view) }];
  return {
    messages,
    serve(method: string, { body, query }: Arrived): Reply {
      switch (method) {
        case 'chat.postMessage': {
          posted += 1;
          const ts = `1700000000.${String(posted).padStart(6, '0')}`;
          const thread = body['thread_ts'];
          messages.push({
            ts,
            text: textOf(body['text']),
            ...(typeof thread === 'string' ? { thread } : {}),
            broadcast: body['reply_broadcast'] === true,
            metadata: body['metadata'],
          });
          return [200, { ok: true, channel: body['channel'], ts }];
        }
        case 'chat.update': {
          const found = messages.find(({ ts }) => ts === body['ts']);
          if (found === undefined) return [200, { ok: false, error: 'message_not_found' }];
          found.text = textOf(body['text']);
          return [200, { ok: true, ts: found.ts }];
        }
        case 'conversations.history':
          return page(messages.filter(({ thread }) => thread === undefined));
        case 'conversations.replies':
          return page(messages.filter(({ ts, thread }) => ts === query.get('ts') || thread === query.get('ts')));
        default:
          return [404, {}];
      }
    },
  };
}

function createGitHub() {
  const deployments: Deployment[] = [];
  const comments: { readonly id: number; readonly issue: string; body: string }[] = [];
  const deploy = ({ method, body, query }: Arrived): Reply => {
    if (method === 'GET') return [200, deployments.filter(({ sha }) => sha === query.get('sha'))];
    const deployment: Deployment = {
      id: 100 + deployments.length,
      sha: textOf(body['ref']),
      environment: textOf(body['environment']),
      payload: body['payload'],
      statuses: [],
    };
    deployments.push(deployment);
    return [201, deployment];
  };
  const status = (id: string, { method, body }: Arrived): Reply => {
    const found = deployments.find((one) => String(one.id) === id);
    if (found === undefined) return [404, {}];
    if (method === 'GET') return [200, found.statuses];
    found.statuses.push({ state: textOf(body['state']), description: textOf(body['description']) });
    return [201, {}];
  };
  const comment = (issue: string, { method, body }: Arrived): Reply => {
    if (method === 'GET') return [200, comments.filter((one) => one.issue === issue)];
    comments.push({ id: 500 + comments.length, issue, body: textOf(body['body']) });
    return [201, comments.at(-1)];
  };
  const edit = (id: string, { body }: Arrived): Reply => {
    const found = comments.find((one) => String(one.id) === id);
    if (found === undefined) return [404, {}];
    found.body = textOf(body['body']);
    return [200, found];
  };
  const routes: readonly (readonly [RegExp, (id: string, call: Arrived) => Reply])[] = [
    [/^\/github\/repos\/[^/]+\/[^/]+\/deployments$/, (_id, call) => deploy(call)],
    [/^\/github\/repos\/[^/]+\/[^/]+\/deployments\/(\d+)\/statuses$/, status],
    [/^\/github\/repos\/[^/]+\/[^/]+\/issues\/comments\/(\d+)$/, edit],
    [/^\/github\/repos\/[^/]+\/[^/]+\/issues\/(\d+)\/comments$/, comment],
  ];
  return {
    deployments,
    comments,
    serve(call: Arrived): Reply {
      for (const [pattern, answer] of routes) {
        const found = pattern.exec(call.path);
        if (found !== null) return answer(found[1] ?? '', call);
      }
      return [404, {}];
    },
  };
}

function finish(response: ServerResponse, [status, body]: Reply, headers: SinkFault['headers'] = {}): void {
  response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Opens the sinks on a port of the system's choice. */
export async function openSinks(): Promise<SinkServer> {
  const arrived: Arrived[] = [];
  const slack = createSlack();
  const github = createGitHub();
  let decide: (call: Arrived) => SinkFault | undefined = () => undefined;

  const serve = (call: Arrived): Reply => {
    if (call.path.startsWith('/slack/')) return slack.serve(call.path.slice('/slack/'.length), call);
    return call.path.startsWith('/github/') ? github.serve(call) : [200, 'ok'];
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const call = await read(request);
    arrived.push(call);
    const fault = decide(call);
    const reply = fault === undefined || fault.after ? serve(call) : undefined;
    if (fault === undefined) return finish(response, reply ?? [500, {}]);
    if (fault.hang) return;
    if (fault.cut) return void request.socket.destroy();
    finish(response, [fault.status ?? 500, fault.body ?? ''], fault.headers);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    arrived,
    messages: slack.messages,
    deployments: github.deployments,
    comments: github.comments,
    fault: (next) => {
      decide = next;
    },
    deleteMessage: (ts) => {
      const at = slack.messages.findIndex((one) => one.ts === ts);
      if (at >= 0) slack.messages.splice(at, 1);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
