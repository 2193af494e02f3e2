import { expect, test } from 'vitest';
import { constraintsFor } from './constraints.ts';
import { qualities, sendLimit } from './pictureQuality.ts';

const shown = [
  { participant: 'a', picture: 'camera', height: 720, stage: true },
  { participant: 'b', picture: 'camera', height: 400 },
  { participant: 'c', picture: 'screen', height: 1000 },
] as const;
const ask = (quality: (typeof qualities)[number]) =>
  Object.fromEntries(Object.entries(constraintsFor(shown, (s) => s.participant, -1, quality).constraints ?? {}).map(([k, v]) => [k, v.maxHeight]));

test('what is asked for falls with the quality; screens stay readable', () => {
  expect(ask('high')).toEqual({ a: 720, b: 360, c: 1080 });
  expect(ask('balanced')).toEqual({ a: 720, b: 360, c: 1080 });
  expect(ask('low')).toEqual({ a: 360, b: 180, c: 1080 });
  expect(ask('audio')).toEqual({ c: 1080 });
});

test('audio only asks for no picture before the view has said anything either', () => {
  expect(constraintsFor(null, () => '', -1, 'audio').defaultConstraints).toEqual({ maxHeight: 0 });
});

test.each([
  ['high', -1, -1],
  ['high', 360, 360],
  ['balanced', -1, 720],
  ['balanced', 180, 180],
  ['low', 1080, 180],
  ['audio', -1, 0],
  ['audio', 720, 0],
] as const)('%s with %i wanted sends at most %i', (quality, wanted, most) => {
  expect(sendLimit(quality, wanted)).toBe(most);
});
