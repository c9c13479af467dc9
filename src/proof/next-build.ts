import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT } from '../setup/stack.js';

/** Another build of the worker: this checkout's, with code that differs and says so. */
export interface NextBuild {
  /** What `BUILT` is for this checkout's own. */
  readonly folder: string;
  /** In the current details of every rollout that it runs. */
  readonly headline: string;
  remove(): Promise<void>;
}

/** What differs: of the workflows what people read, of the activities what heartbeats say. */
const CHANGES = (name: string) => [
  { file: 'workflow-bundle.js', from: "running: 'Running'", to: `running: 'Running under ${name}'` },
  { file: 'activities/stop-overdue.js', from: 'waits for it to stop', to: `waits, under ${name}, for it to stop` },
];

/** Beside the build it is made of, so that it finds the same packages. */
const BESIDE = join(BUILT, '..', '.layover');

/**
 * Copies this checkout's build and changes its code.
 * @param name of the build, as its texts say it.
 * @throws Error when the code to be changed is not there: a copy that does not differ would show nothing.
 */
export async function makeNextBuild(name: string): Promise<NextBuild> {
  await mkdir(BESIDE, { recursive: true });
  const folder = await mkdtemp(join(BESIDE, 'build-'));
  await cp(BUILT, folder, { recursive: true });
  for (const { file, from, to } of CHANGES(name)) {
    const path = join(folder, file);
    const code = await readFile(path, 'utf8');
    if (!code.includes(from)) throw new Error(`${file} does not say ${JSON.stringify(from)} any more`);
    await writeFile(path, code.replaceAll(from, to));
  }
  return {
    folder,
    headline: `Running under ${name}`,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
