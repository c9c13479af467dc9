import type { SerializedError, TestModule } from 'vitest/node';

/**
 * Ends the output with one line a script can read: `N passed, N failed`, and `, N skipped` if any.
 * Listed last in vitest.config.ts, so that it speaks last.
 */
export default class CountReporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const { passed, failed, skipped } = countsOf(modules, errors);
    const tail = skipped === 0 ? '' : `, ${skipped} skipped`;
    process.stdout.write(`${passed} passed, ${failed} failed${tail}\n`);
  }
}

type Counts = { passed: number; failed: number; skipped: number };

function countsOf(modules: readonly TestModule[], errors: readonly SerializedError[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    const before = counts.failed;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'pending')
        counts.failed += 1; // begun and never ended
      else counts[state] += 1;
    }
    // A file that does not load, and a hook that fails, fail no test: they count as one.
    if (!module.ok() && counts.failed === before) counts.failed += 1;
  }
  counts.failed += errors.length;
  return counts;
}
