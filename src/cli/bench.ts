import { Command, InvalidArgumentError } from 'commander';
import { measureCalm } from '../proof/calm.js';
import { benchServing } from '../proof/serving-bench.js';
import { isKept, type Measure, proveScale, sayMeasure } from '../proof/scale.js';
import { run, say } from './proving.js';

/** `npm run bench`: what a sweep costs, for fleets of several sizes. Prints its figures and exits 1 when one is off. */

const LIMIT_MINUTES = 45;

/** Machines of the canary. */
const SERVING = 100;

/** From here on a machine's own times are scaled down, so that the figure is about us. */
const HUGE = 5_000;
const REPLACE_MS = { usual: [1_000, 3_000], short: [200, 600] } as const;

function sizes(text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.every((n) => Number.isInteger(n) && n >= 20)) return numbers;
  throw new InvalidArgumentError('whole numbers from 20 on, with commas between them');
}

function show(title: string, measures: readonly Measure[]): boolean {
  say(title);
  for (const measure of measures) say(`  ${sayMeasure(measure)}`);
  return measures.every(isKept);
}

interface BenchFlags {
  readonly machines: readonly number[];
  readonly calm: boolean;
  readonly serving: boolean;
}

async function bench({ machines, calm, serving }: BenchFlags): Promise<void> {
  await run(LIMIT_MINUTES, async (signal) => {
    const verdicts: boolean[] = [];
    if (calm) verdicts.push(show('a calm hour, in process:', await measureCalm()));
    for (const ramp of serving ? ([3, 'off'] as const) : []) {
      const title = `one canary over ${SERVING} machines that serve, a third away at a time, ramp ${ramp}:`;
      verdicts.push(show(title, await benchServing(SERVING, ramp, signal)));
    }
    for (const count of machines) {
      const replaceMs = count >= HUGE ? REPLACE_MS.short : REPLACE_MS.usual;
      const measures = await proveScale({ machines: count, signal, replaceMs, polls: { busy: '3s', calm: '1m' } });
      const title = `one sweep over ${count} idle machines, each replaced in ${replaceMs.join(' to ')} ms:`;
      verdicts.push(show(title, measures));
    }
    return verdicts.every(Boolean);
  });
}

await new Command('bench')
  .description(
    'What sweeps over idle machines, and canaries over machines that serve, cost: events, calls, memory, and their time against the least possible.',
  )
  .option('--machines <list>', 'sizes of the fleets, with commas between them', sizes, [60, 300, 2_000, 10_000])
  .option('--no-calm', 'without the calm hour')
  .option('--no-serving', 'without the canary over machines that serve')
  .action(bench)
  .parseAsync();
