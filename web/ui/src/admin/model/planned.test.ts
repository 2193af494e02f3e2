import { expect, test } from 'vitest';
import { localTime, newMeeting, repeatOf, roomFrom, tidy } from './planned.ts';

test('a new meeting begins at the next full hour', () => {
  const m = newMeeting(new Date(2026, 10, 30, 23, 20), 'Europe/Berlin');
  expect(m).toMatchObject({ begin: '2026-12-01T00:00', minutes: 60, zone: 'Europe/Berlin' });
  expect(repeatOf(m)).toBe('once');
  expect(localTime(new Date(2026, 0, 2, 3, 4))).toBe('2026-01-02T03:04');
});

test.each([
  ['Weekly review', 'weekly-review'],
  ['  Über & Café: Pläne?! ', 'uber-cafe-plane'],
  ['会議 3', '会議-3'],
  ['…', ''],
])('%s becomes the room %s', (title, room) => {
  expect(roomFrom(title)).toBe(room);
});

test('what a way of repeating does not need is left out', () => {
  const m = { room: 'a', title: 'A', begin: '2026-12-01T09:00', minutes: 30, zone: 'UTC', last_day: '2026-12-24' };
  expect(tidy({ ...m, repeat: '' })).toEqual({ room: 'a', title: 'A', begin: '2026-12-01T09:00', minutes: 30, zone: 'UTC' });
  expect(tidy({ ...m, repeat: 'weekly' })).toEqual({ ...m, repeat: 'weekly' });
  expect(tidy({ ...m, repeat: 'always' })).toEqual({ room: 'a', title: 'A', repeat: 'always' });
});
