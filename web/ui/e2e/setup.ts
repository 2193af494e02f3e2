// Runs before each file of tests: whatever the pages of a test asked of anybody but the box fails it.

import { afterAll, afterEach, expect, inject } from 'vitest';
import { allow, seen, takeFaults } from './network.ts';

const box = inject('box');
allow(box.url, box.plainUrl, box.consoleUrl);

afterEach(() => {
  expect(takeFaults(), 'requests to other origins and reports of the content security policy').toEqual([]);
});
afterAll(() => {
  expect(seen(), 'the network log saw the pages').toBeGreaterThan(0);
});
