import { writeFileSync } from 'node:fs';
import { MODES, sayPage } from '../proof/failures/page.js';

/** Runs every failure mode and writes `docs/failure-modes.md`. */
const rows = [];
for (const mode of MODES) rows.push({ mode, observed: await mode.run() });
writeFileSync('docs/failure-modes.md', sayPage(rows));
