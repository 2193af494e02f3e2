import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comingUp, parseSchedule } from './schedule.ts';

const meeting = (id: string, begin: string, end: string, more = {}) => ({ id, room: id, title: `The ${id}`, begin, end, zone: 'Europe/Berlin', password: false, lobby: false, calendar: `/schedule/${id}.ics`, ...more });

test('what a box says, in order', () => {
  const { now, meetings } = parseSchedule({
    now: '2026-11-30T08:10:00Z',
    meetings: [meeting('b', '2026-11-30T10:00:00Z', '2026-11-30T11:00:00Z', { host: 'Front desk', lobby: true }), meeting('a', '2026-11-30T08:00:00Z', '2026-11-30T09:00:00Z', { password: true })],
  });
  expect(now).toBe(Date.UTC(2026, 10, 30, 8, 10));
  expect(meetings.map((m) => [m.room, m.title, m.host, m.password, m.lobby, m.calendar])).toEqual([
    ['a', 'The a', '', true, false, '/schedule/a.ics'],
    ['b', 'The b', 'Front desk', false, true, '/schedule/b.ics'],
  ]);
});

test('nonsense is left out, and no link leads elsewhere', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void parseSchedule(value)));
  const { meetings } = parseSchedule({ meetings: [meeting('x', 'soon', 'later'), 3, null, { room: 'y' }, meeting('z', '2026-11-30T10:00:00Z', '2026-11-30T09:00:00Z')] });
  expect(meetings).toEqual([]);
  for (const calendar of ['//evil.example/x.ics', 'https://evil.example', 'javascript:alert(1)', '/\\evil']) {
    expect(parseSchedule({ meetings: [meeting('a', '2026-11-30T08:00:00Z', '2026-11-30T09:00:00Z', { calendar })] }).meetings[0]?.calendar).toBe('');
  }
});

test('today first, over is over; without any today the next ones', () => {
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString();
  const list = [meeting('over', at(2, 7), at(2, 8)), meeting('now', at(2, 9), at(2, 11)), meeting('later', at(2, 15), at(2, 16)), meeting('tomorrow', at(3, 9), at(3, 10))];
  const of = (hour: number, day = 2) => comingUp(parseSchedule({ now: at(day, hour), meetings: list }));
  expect(of(10)).toMatchObject({ today: true, meetings: [{ room: 'now' }, { room: 'later' }] });
  expect(of(17)).toMatchObject({ today: false, meetings: [{ room: 'tomorrow' }] });
  expect(of(12, 4)).toEqual({ today: false, meetings: [] });
});
