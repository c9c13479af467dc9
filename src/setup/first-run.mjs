/**
 * The one door to every npm script, so that `npm test` works as the first command in a fresh clone. Plain JavaScript,
 * no packages: it runs before there are any.
 *
 *   node src/setup/first-run.mjs <target> [arguments for the target]
 */
import { runTarget } from './targets.mjs';

process.exitCode = await runTarget(process.argv.slice(2));
