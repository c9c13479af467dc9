import { z } from 'zod';
import { callSink } from './call.js';
import { type Brief, cut, type Delivery, type Memory, type Sink, type SinkDeps, SinkError } from './sink.js';

export interface GitHub {
  readonly token: string;
  /** The REST API, without a slash at its end. */
  readonly api: string;
  /** `owner/name` by the Fly app. */
  readonly repositories: Readonly<Record<string, string>>;
}

/** GitHub cuts off what is longer (docs, deployment statuses). */
const MOST_DESCRIPTION = 140;
const PAGE = 100;
const MOST_PAGES = 20;

const Id = z.looseObject({ id: z.number() });
const Deployments = z.array(Id.extend({ payload: z.unknown() }));
const Statuses = z.array(z.looseObject({ state: z.string(), description: z.string().nullish() }));
const Comments = z.array(Id.extend({ body: z.string().nullish() }));

/** A deployment's state, by how a rollout stands. */
function stateOf({ phase, reason, kind }: Brief): string {
  if (kind !== 'finished') return ['paused', 'pausing', 'waiting'].includes(phase) ? 'pending' : 'in_progress';
  if (reason === 'completed') return 'success';
  return reason === 'aborted' || reason === 'canceled' ? 'error' : 'failure';
}

const descriptionOf = (notice: Brief): string =>
  cut(`#${notice.number} ${notice.headline}: ${notice.says}`, MOST_DESCRIPTION);

const markerOf = ({ rollout }: Brief): string => `<!-- layover ${rollout} -->`;

/** What people wrote, such as a reason, stays text: no mention, no link, no markup. */
const inert = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]()#+!|<>~&]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replaceAll('@', '@\u200b');

function commentOf(notice: Brief): string {
  const lines = notice.canType.length === 0 ? [] : ['', '```sh', ...notice.canType, '```'];
  return [
    markerOf(notice),
    `**${inert(notice.headline)}**`,
    '',
    inert(notice.says),
    '',
    `${inert(notice.progress)}; target \`${notice.target.replaceAll('`', "'")}\``,
    ...lines,
  ].join('\n');
}

/** Fails as a sink's own error where GitHub answers in another shape. */
function read<T>(schema: z.ZodType<T>, body: string): T {
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    throw new SinkError('GitHub gives an answer that cannot be read');
  }
}

/** The calls of one token. */
function createApi({ token, api }: GitHub, deps: SinkDeps) {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  };
  const call = (method: string, path: string, body?: object) =>
    callSink('GitHub', { method, url: `${api}/repos/${path}`, headers, ...(body === undefined ? {} : { body }) }, deps);
  return {
    call,
    /** The first of a list, page by page, that is the one. */
    async find<T>(path: string, schema: z.ZodType<readonly T[]>, isIt: (one: T) => boolean): Promise<T | undefined> {
      for (let page = 1; page <= MOST_PAGES; page += 1) {
        const joined = `${path}${path.includes('?') ? '&' : '?'}per_page=${PAGE}&page=${page}`;
        const list = read(schema, await call('GET', joined));
        const found = list.find(isIt);
        if (found !== undefined || list.length < PAGE) return found;
      }
      return undefined;
    },
  };
}

type Api = ReturnType<typeof createApi>;

interface Place {
  readonly api: Api;
  readonly repository: string;
}

/** The deployment of a commit that is this rollout's: auto-merge and required checks are GitHub's defaults, and unwanted. */
async function deploymentOf({ api, repository }: Place, commit: string, delivery: Delivery): Promise<string> {
  const { notice, memory, confirm } = delivery;
  if (memory['deployment'] !== undefined) return memory['deployment'];
  const environment = notice.app;
  const query = new URLSearchParams({ sha: commit, environment }).toString();
  const isOurs = ({ payload }: { payload?: unknown }) => JSON.stringify(payload ?? '').includes(notice.rollout);
  const found = await api.find(`${repository}/deployments?${query}`, Deployments, isOurs);
  if (found !== undefined) return String(found.id);
  await confirm();
  const body = {
    ref: commit,
    task: 'deploy',
    auto_merge: false,
    required_contexts: [],
    environment,
    payload: { layover: notice.rollout },
    description: cut(notice.headline, MOST_DESCRIPTION),
  };
  return String(read(Id, await api.call('POST', `${repository}/deployments`, body)).id);
}

async function tellStatus({ api, repository }: Place, id: string, { notice, confirm }: Delivery): Promise<void> {
  const [state, description] = [stateOf(notice), descriptionOf(notice)];
  const path = `${repository}/deployments/${id}/statuses`;
  const isOurs = (one: { description?: string | null | undefined }) => one.description === description;
  if ((await api.find(path, Statuses, isOurs)) !== undefined) return;
  await confirm();
  await api.call('POST', path, { state, description, environment: notice.app });
}

const wasGone = (error: unknown): boolean => error instanceof SinkError && error.isGone;

/** Somebody may have deleted the deployment that is remembered. */
async function tellDeployment(place: Place, commit: string, delivery: Delivery): Promise<Memory> {
  const deployment = await deploymentOf(place, commit, delivery);
  try {
    await tellStatus(place, deployment, delivery);
    return { deployment };
  } catch (error) {
    if (!wasGone(error) || delivery.memory['deployment'] === undefined) throw error;
    const { deployment: _gone, ...memory } = delivery.memory;
    return tellDeployment(place, commit, { ...delivery, memory });
  }
}

async function tellComment({ api, repository }: Place, pullRequest: number, delivery: Delivery): Promise<Memory> {
  const { notice, memory, confirm } = delivery;
  // Who quotes it writes something before it.
  const isOurs = (one: { body?: string | null | undefined }) => one.body?.startsWith(markerOf(notice)) === true;
  const path = `${repository}/issues/${pullRequest}/comments`;
  const body = { body: commentOf(notice) };
  const edit = async (id: string | number | undefined): Promise<boolean> => {
    if (id === undefined) return false;
    await confirm();
    const edited = api.call('PATCH', `${repository}/issues/comments/${id}`, body);
    // Somebody may have deleted it.
    return edited.then(
      () => true,
      (error: unknown) => {
        if (wasGone(error)) return false;
        throw error;
      },
    );
  };
  const known = memory['comment'];
  if (await edit(known)) return { comment: String(known) };
  const found = (await api.find(path, Comments, isOurs))?.id;
  if (await edit(found)) return { comment: String(found) };
  await confirm();
  return { comment: String(read(Id, await api.call('POST', path, body)).id) };
}

/**
 * GitHub: a deployment of the commit with a status a state change, and one comment on the pull request, edited in
 * place. Each is looked up before it is made: a deployment by its payload, a comment by a mark in its text.
 */
export function gitHub(options: GitHub, deps: SinkDeps): Sink {
  const api = createApi(options, deps);
  const { repositories } = options;
  return {
    takes: ({ kind, app }) => kind !== 'progress' && kind !== 'reminder' && Object.hasOwn(repositories, app),
    async tell(delivery): Promise<Memory> {
      const { source, notice, memory } = delivery;
      const repository = repositories[notice.app];
      if (repository === undefined) return memory;
      const place = { api, repository };
      // One of them that is refused does not keep the other from being told.
      const [deployed, commented] = await Promise.allSettled([
        source.commit === undefined ? {} : tellDeployment(place, source.commit, delivery),
        source.pullRequest === undefined ? {} : tellComment(place, source.pullRequest, delivery),
      ]);
      if (deployed.status === 'rejected') throw deployed.reason;
      if (commented.status === 'rejected') throw commented.reason;
      return { ...memory, ...deployed.value, ...commented.value };
    },
  };
}
