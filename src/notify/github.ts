import { z } from 'zod';
import { clip } from '../domain/clip.js';
import type { Memory, Notice } from '../domain/notices.js';
import { callSink } from './call.js';
import { type Delivery, type Sink, type SinkDeps, SinkError } from './sink.js';
import { headline, sayCounts, saysOf, targetOf } from './texts.js';

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
function stateOf({ phase, reason, kind }: Notice): string {
  if (kind !== 'finished') return ['paused', 'pausing', 'waiting'].includes(phase) ? 'pending' : 'in_progress';
  if (reason === 'completed') return 'success';
  return reason === 'aborted' || reason === 'canceled' ? 'error' : 'failure';
}

const descriptionOf = (notice: Notice): string =>
  clip(`#${notice.number} ${headline(notice)}: ${notice.says}`, MOST_DESCRIPTION);

const markerOf = ({ rollout }: Notice): string => `<!-- layover ${rollout} -->`;

function commentOf(notice: Notice): string {
  const lines = notice.canType.length === 0 ? [] : ['', '```sh', ...notice.canType, '```'];
  return [
    markerOf(notice),
    `**${headline(notice)}**`,
    '',
    saysOf(notice),
    '',
    `${sayCounts(notice)}; target \`${targetOf(notice)}\``,
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

/**
 * GitHub: a deployment of the commit with a status a state change, and one comment on the pull request, edited in
 * place. Each is looked up before it is made: a deployment by its payload, a comment by a mark in its text.
 */
export function gitHub({ token, api, repositories }: GitHub, deps: SinkDeps): Sink {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  };
  const call = (method: string, path: string, body?: object) =>
    callSink('GitHub', { method, url: `${api}/repos/${path}`, headers, ...(body === undefined ? {} : { body }) }, deps);

  async function findIn<T>(
    path: string,
    schema: z.ZodType<readonly T[]>,
    isIt: (one: T) => boolean,
  ): Promise<T | undefined> {
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const joined = `${path}${path.includes('?') ? '&' : '?'}per_page=${PAGE}&page=${page}`;
      const list = read(schema, await call('GET', joined));
      const found = list.find(isIt);
      if (found !== undefined || list.length < PAGE) return found;
    }
    return undefined;
  }

  async function deployment(
    repository: string,
    commit: string,
    { notice, memory, confirm }: Delivery,
  ): Promise<string> {
    if (memory['deployment'] !== undefined) return memory['deployment'];
    const environment = notice.app;
    const query = new URLSearchParams({ sha: commit, environment }).toString();
    const isOurs = ({ payload }: { payload?: unknown }) => JSON.stringify(payload ?? '').includes(notice.rollout);
    const found = await findIn(`${repository}/deployments?${query}`, Deployments, isOurs);
    if (found !== undefined) return String(found.id);
    await confirm();
    const body = {
      ref: commit,
      task: 'deploy',
      auto_merge: false,
      required_contexts: [],
      environment,
      payload: { layover: notice.rollout },
      description: clip(headline(notice), MOST_DESCRIPTION),
    };
    return String(read(Id, await call('POST', `${repository}/deployments`, body)).id);
  }

  async function status(repository: string, id: string, { notice, confirm }: Delivery): Promise<void> {
    const [state, description] = [stateOf(notice), descriptionOf(notice)];
    const path = `${repository}/deployments/${id}/statuses`;
    const isOurs = (one: { description?: string | null | undefined }) => one.description === description;
    if ((await findIn(path, Statuses, isOurs)) !== undefined) return;
    await confirm();
    await call('POST', path, { state, description, environment: notice.app });
  }

  async function comment(
    repository: string,
    pullRequest: number,
    { notice, memory, confirm }: Delivery,
  ): Promise<string> {
    const isOurs = ({ body }: { body?: string | null | undefined }) => body?.includes(markerOf(notice)) === true;
    const path = `${repository}/issues/${pullRequest}/comments`;
    const known = memory['comment'] ?? (await findIn(path, Comments, isOurs))?.id;
    const body = { body: commentOf(notice) };
    if (known !== undefined) {
      await call('PATCH', `${repository}/issues/comments/${known}`, body);
      return String(known);
    }
    await confirm();
    return String(read(Id, await call('POST', path, body)).id);
  }

  return {
    takes: ({ kind, app }) => kind !== 'progress' && kind !== 'reminder' && Object.hasOwn(repositories, app),
    async tell(delivery): Promise<Memory> {
      const { source, notice, memory } = delivery;
      const repository = repositories[notice.app];
      if (repository === undefined) return memory;
      let kept = memory;
      if (source.commit !== undefined) {
        const id = await deployment(repository, source.commit, delivery);
        kept = { ...kept, deployment: id };
        await status(repository, id, delivery);
      }
      if (source.pullRequest !== undefined)
        kept = { ...kept, comment: await comment(repository, source.pullRequest, delivery) };
      return kept;
    },
  };
}
