import { defineConfig } from 'vitest/config';
import common from './vitest.config.ts';

// What people wait for, measured: make bench-pages. Not a test; nothing here passes or fails by time.
const { include: _, ...rest } = common.test ?? {};
export default defineConfig({ test: { ...rest, include: ['e2e/*.bench.ts'], testTimeout: 600_000, disableConsoleIntercept: true } });
