import { runLayover } from './layover.js';
import { realOutside } from './outside.js';

/** The program `layover`. */
process.exitCode = await runLayover(process.argv.slice(2), realOutside());
