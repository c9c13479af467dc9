import { resolve } from 'node:path';
import { temporalCli, temporalTestServer } from '../../src/setup/binaries.js';
import { ensureBuild } from '../../src/setup/build.mjs';
import { ensurePackages } from '../../src/setup/packages.mjs';
import { ROOT } from '../house/files.js';

/** The setup's own names are relative to a root without a slash at its end. */
const root = resolve(ROOT);

const say = (line: string): void => void process.stderr.write(`layover: ${line}\n`);

/**
 * Once before all tests that need a server, so that no test's time limit has to hold a download or a build: vitest may
 * be started by itself, without `npm test`. A program that builds at its first use says so among its own lines, and
 * changes dist/ under servers and workers that other tests have started from it.
 */
export default async function setup(): Promise<void> {
  if ((await ensurePackages(root, say)) !== 0) throw new Error('the packages are not ready; the reason stands above');
  if ((await ensureBuild(root, say)) !== 0) throw new Error('there is no build to test; the reason stands above');
  await temporalCli();
  await temporalTestServer();
}
