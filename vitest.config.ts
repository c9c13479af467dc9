import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** These start a Temporal server, worker processes or whole rollouts: few at once, and long. */
const SERVED = ['workflows', 'cli', 'scenarios', 'kill', 'replay'].map((room) => `test/${room}/**/*.test.ts`);

/** What takes minutes begins first: begun last it would be waited for alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number =>
      ['/test/kill/', '/test/scenarios/', '/test/cli/'].findIndex((room) => moduleId.includes(room)) + 1 || 9;
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: SERVED,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'served',
          include: SERVED,
          globalSetup: './test/support/global-setup.ts',
          maxWorkers: 4,
          // Rollouts mostly wait: many at once in one place cost little.
          maxConcurrency: 16,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // After the fast ones: what they find is known first, and servers do not compete with them for two cores.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
