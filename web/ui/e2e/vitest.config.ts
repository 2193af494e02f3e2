import { defineConfig } from 'vitest/config';

// Browser tests: real Chromium, real services. One box and one browser at a time; two cores are the
// smallest machine they have to pass on.
export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    globalSetup: ['e2e/box.ts'],
    setupFiles: ['e2e/setup.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 30_000 } },
    bail: 0,
  },
});
