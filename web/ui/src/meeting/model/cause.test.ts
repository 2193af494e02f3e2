import { expect, test } from 'vitest';

import { causeOf } from './cause.ts';

const url = 'https://box.example/.well-known/meetbox-trusted';
const answers = () => Promise.resolve(new Response(null, { status: 204 }));
const silent = () => Promise.reject(new TypeError('failed to fetch'));

test.each([
  ['no network at all', false, false, silent, 'network'],
  ['the box answers, the meeting does not', true, false, answers, 'server'],
  ['picture and sound go on', true, true, silent, 'server'],
  ['the box does not answer', true, false, silent, 'box'],
] as const)('%s', async (_what, online, flowing, fetch, want) => {
  expect(await causeOf({ url, fetch, online: () => online, flowing: () => flowing })).toBe(want);
});
