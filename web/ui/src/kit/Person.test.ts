import { expect, test } from 'vitest';
import { hueOf, initials } from './Person.tsx';

test.each([
  ['Ada Lovelace', 'AL'],
  ['ada', 'A'],
  ['  Anna  Maria  von Stein ', 'AS'],
  ['😀 Team', '😀T'],
  ['', ''],
  ['李', '李'],
])('initials of %s', (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test('a name keeps its colour', () => {
  expect(['Ada', 'Ben', 'Ada'].map(hueOf)).toEqual([hueOf('Ada'), hueOf('Ben'), hueOf('Ada')]);
});
