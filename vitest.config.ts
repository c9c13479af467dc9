import { defineConfig } from 'vitest/config';

/** These start a Temporal server, worker processes or whole rollouts: few at once, and long. */
const SERVED = ['workflows', 'cli', 'scenarios', 'kill', 'replay'].map((room) => `test/${room}/**/*.test.ts`);

export default defineConfig({
  test: {
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
          maxWorkers: 3,
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
