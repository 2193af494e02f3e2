// The browser tests through a booted box; started by imagetest, which says in the environment where it is.
// It stands outside the pages' project, hence plain objects and no imports.
export default {
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['scripts/imagetest/*.test.ts'],
    environment: 'node',
    globals: true,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
};
