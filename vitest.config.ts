import { defineConfig } from 'vitest/config'

// `unit` is pure and fast (unit, vector, property, short simulation). The others start real processes and real peers, one file at a time because
// they share ports; those of `interop-waiting` mostly wait, and share none with `interop`: scripts/interop.ts runs the two side by side.
const WAITING = [
  'compose',
  'faults-certificates',
  'faults-clock',
  'faults-outage',
  'soak',
  'two-registrars',
].map((name) => `test/interop/${name}.test.ts`)

/** One file at a time. */
const REAL_PROCESSES = {
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 180_000,
  globalSetup: ['test/interop/support/global-setup.ts'],
}

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
          // One process runs many files and reads the sources once: reading them took as long as the tests.
          isolate: false,
        },
      },
      {
        test: {
          ...REAL_PROCESSES,
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          exclude: WAITING,
        },
      },
      { test: { ...REAL_PROCESSES, name: 'interop-waiting', include: WAITING } },
    ],
  },
})
