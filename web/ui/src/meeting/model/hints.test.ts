import { expect, test } from 'vitest';
import { createHints, type Hint } from './hints.ts';

/** Ten samples a second of what `level` says; returns the hints in the order of coming. */
function run(seconds: number, level: (second: number) => number, muted: (second: number) => boolean = () => false): (Hint | null)[] {
  const hints = createHints();
  const told: (Hint | null)[] = [];
  for (let i = 0; i < seconds * 10; i++) {
    const now = hints.hear(level(i / 10), muted(i / 10), i * 100);
    if (now !== told.at(-1)) told.push(now);
  }
  return told;
}

test('talking while muted is told, and forgotten after the last word', () => {
  expect(run(12, (s) => (s > 2 && s < 4 ? 0.7 : 0.1), () => true)).toEqual([null, 'talking-muted', null]);
});

test('a cough while muted is none', () => {
  expect(run(5, (s) => (s > 2 && s < 2.3 ? 0.9 : 0.1), () => true)).toEqual([null]);
});

test('unmuting ends it at once', () => {
  expect(run(6, (s) => (s < 4 ? 0.7 : 0.3), (s) => s < 4)).toEqual([null, 'talking-muted', null]);
});

test('a noise without pauses is told; speech with pauses is not', () => {
  expect(run(14, () => 0.55)).toEqual([null, 'noisy']);
  expect(run(30, (s) => (s % 3 < 2 ? 0.7 : 0.15))).toEqual([null]);
});

test('a microphone from which nothing comes is told until something does', () => {
  expect(run(12, (s) => (s < 9 ? 0 : 0.4))).toEqual([null, 'silent', null]);
  expect(run(20, (s) => (s < 1 ? 0.3 : 0))).toEqual([null]);
});
