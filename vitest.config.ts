import { defineConfig } from 'vitest/config'

// Two projects: `unit` is pure and fast (unit, vector, property, short simulation);
// `interop` starts real processes and real peers, one file at a time because they share ports.
export default defineConfig({
  test: {
    // One processor is not kept free for anybody: nothing else runs meanwhile.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,vectors,property,sim}/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          globalSetup: ['test/interop/support/global-setup.ts'],
        },
      },
    ],
  },
})
