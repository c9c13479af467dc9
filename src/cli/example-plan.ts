import { examplePlan } from '../demo/example-plan.js';
import { sayPlan } from '../domain/say-plan.js';

/** Prints the plan that docs/plan.md explains: as a terminal shows it, or as Temporal keeps it with `--json`. */
const report = await examplePlan();
console.log(process.argv.includes('--json') ? JSON.stringify(report, undefined, 2) : sayPlan(report).join('\n'));
