import { errorAnswer, raw, Refusal, type Answer } from './answers.js';
import { headerOf, type Call, type SimRequest } from './call.js';
import { noCapacity } from './capacity.js';
import { pickFault } from './faults.js';
import { control } from './handlers/control.js';
import { ociError } from './handlers/registry.js';
import { advance } from './happenings.js';
import type { CallEntry } from './journal.js';
import { limitRate } from './rate-limit.js';
import { findRoute, type BlockingRoute, type Route } from './routes.js';
import { effectName, type Effect } from './scenario.js';
import type { World } from './world.js';

/** An answer as it goes out. */
export interface SimAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

type Outcome = Answer | 'cut';

const CONTROL = '/_simulator/';
const LATE: Answer = errorAnswer(408, 'deadline_exceeded: upstream request timed out');

/** Catches up with the world's time, then answers one request in it. */
export async function handle(world: World, request: SimRequest): Promise<SimAnswer | 'cut'> {
  if (world.closed) return 'cut';
  advance(world);
  const question = request.url.indexOf('?');
  const path = question < 0 ? request.url : request.url.slice(0, question);
  const query = new URLSearchParams(question < 0 ? '' : request.url.slice(question));
  if (path.startsWith(CONTROL)) return finish(world, {}, handleControl(world, request, path, query));
  const route = findRoute(request.method, path);
  if (route === undefined) return finish(world, {}, errorAnswer(404, 'not found'));
  const outcome = await serve(world, callOf(world, request, query, route), route);
  return outcome === 'cut' ? 'cut' : finish(world, route.params, outcome);
}

function callOf(world: World, request: SimRequest, query: URLSearchParams, route: Route | BlockingRoute): Call {
  const { app, machine } = route.params;
  const nonce = headerOf(request, 'fly-machine-lease-nonce');
  const op = route.op === 'lease' && nonce !== undefined ? 'refresh' : route.op;
  const entry = entryOf('call', op, request);
  if (app !== undefined) entry.app = app;
  if (machine !== undefined) entry.machine = machine;
  if (nonce !== undefined) entry.nonce = nonce;
  const hasCookie = headerOf(request, 'cookie')?.includes('fly_flaps_affinity=') === true;
  const fault = pickFault(world, { op, app, machine, hasCookie });
  if (fault !== undefined) {
    entry.fault = effectName(fault.fault.effect);
    entry.faultIndex = fault.index;
  }
  return { world, request, params: route.params, query, effect: fault?.fault.effect, entry };
}

function entryOf(kind: CallEntry['kind'], op: string, request: SimRequest): CallEntry {
  return { n: -1, t: 0, kind, op, method: request.method, path: request.url, status: 'cut' };
}

function serve(world: World, call: Call, route: Route | BlockingRoute): Promise<Outcome> | Outcome {
  const delay = call.effect?.delayMs;
  if (delay === undefined) return perform(world, call, route);
  call.entry.began = world.now;
  const work = world.clock.sleep(delay).then(() => {
    if (world.closed) return 'cut';
    advance(world);
    return perform(world, call, route);
  });
  return orGone(work, call.request.signal);
}

/** A caller that goes away does not stop a call that is under way: that is how an update happens unseen. */
function orGone(work: Promise<Outcome>, signal: AbortSignal | undefined): Promise<Outcome> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve('cut');
    signal.addEventListener('abort', () => resolve('cut'), { once: true });
    work.then(resolve, reject);
  });
}

function perform(world: World, call: Call, route: Route | BlockingRoute): Promise<Outcome> | Outcome {
  const instead = answerInstead(world, call, route.op);
  if (instead === undefined && 'blocking' in route) return performBlocking(world, call, route);
  record(world, call.entry);
  const outcome =
    'handler' in route
      ? (instead ??
        change(
          call,
          attempt(() => route.handler(call)),
        ))
      : (instead ?? LATE);
  return noted(world, call.entry, outcome);
}

/** What stands before the handler: a bad token, a rate limit, a fault without effect. */
function answerInstead(world: World, call: Call, op: string): Outcome | undefined {
  const { app, machine } = call.params;
  if (op === 'manifest') return call.effect && withoutEffect(call.effect, op);
  const problem = authProblem(world, call.request) ?? limitRate(world, op, machine ?? app ?? '');
  return problem ?? noCapacity(call, op) ?? (call.effect && withoutEffect(call.effect, op));
}

async function performBlocking(world: World, call: Call, route: BlockingRoute): Promise<Outcome> {
  call.entry.began ??= world.now;
  const waited = await route.blocking(call).catch(answerOf);
  const outcome = waited === 'cut' ? waited : change(call, waited);
  record(world, call.entry);
  return noted(world, call.entry, outcome);
}

function noted(world: World, entry: CallEntry, outcome: Outcome): Outcome {
  entry.status = outcome === 'cut' ? 'cut' : outcome.status;
  world.cause = undefined;
  return outcome;
}

/** Gives the call its place in the journal; whatever happens from here on is by it. */
function record(world: World, entry: CallEntry): void {
  entry.t = world.now;
  world.journal.call(entry);
  world.cause = { n: entry.n, op: entry.op };
}

function attempt(act: () => Answer): Answer {
  try {
    return act();
  } catch (reason) {
    return answerOf(reason);
  }
}

function answerOf(reason: unknown): Answer {
  if (reason instanceof Refusal) return errorAnswer(reason.status, reason.message, reason.extra);
  throw reason;
}

/** What a fault answers without the call having any effect. */
function withoutEffect(effect: Effect, op: string): Outcome | undefined {
  if (effect.cut) return 'cut';
  if (effect.answer === undefined) return undefined;
  const { status, error, headers } = effect.answer;
  const answer = op === 'manifest' ? ociError(status, CODES[status] ?? 'UNKNOWN', error) : errorAnswer(status, error);
  return { ...answer, headers };
}

const CODES: Record<number, string> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'MANIFEST_UNKNOWN',
  429: 'TOOMANYREQUESTS',
};

/** What a fault makes of the answer to a call that took effect. */
function change({ effect, entry }: Call, answer: Answer): Outcome {
  if (effect === undefined) return answer;
  entry.actual = answer.status;
  if (effect.loseAnswer) return 'cut';
  if (effect.late408) return LATE;
  if (effect.malformed) return raw(answer.body.slice(0, Math.max(1, answer.body.length - 7)));
  return answer;
}

function authProblem(world: World, request: SimRequest): Answer | undefined {
  const [, token] = /^(?:Bearer|FlyV1) +(\S.*)$/i.exec(headerOf(request, 'authorization') ?? '') ?? [];
  const { tokens } = world.scenario;
  if (token !== undefined && (tokens === undefined || tokens.includes(token))) return undefined;
  return errorAnswer(401, 'Authenticate: token validation error');
}

function handleControl(world: World, request: SimRequest, path: string, query: URLSearchParams): Answer {
  const entry = entryOf('control', path.slice(CONTROL.length).split('/').pop() ?? '', request);
  if (request.method !== 'GET') record(world, entry);
  const answer = attempt(() => control({ world, request, params: {}, query, effect: undefined, entry }));
  entry.status = answer.status;
  world.cause = undefined;
  return answer;
}

/** The headers of every answer; the cookie pins a client to one API host (fly-go@22d6e51 flaps/flaps.go). */
function finish(world: World, params: Readonly<Record<string, string>>, answer: Answer): SimAnswer {
  const { app } = params;
  return {
    status: answer.status,
    body: answer.body,
    headers: {
      'fly-request-id': `${world.ids.ulid(world.now)}-ord`,
      'content-type': 'application/json; charset=utf-8',
      date: new Date(world.now).toUTCString(),
      ...(app !== undefined && {
        'set-cookie': `fly_flaps_affinity=${world.ids.affinity()}; Path=/v1/apps/${app}`,
      }),
      ...answer.headers,
    },
  };
}
