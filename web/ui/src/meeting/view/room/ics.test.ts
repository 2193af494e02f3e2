import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextSlot, printCalendar } from './ics.ts';

const event = { uid: 'x@box', begin: Date.UTC(2026, 10, 30, 9), minutes: 45, made: Date.UTC(2026, 10, 29, 8, 7, 6), title: 'Stand-up; Monday, all', description: 'One\nTwo', link: 'https://box.example/stand-up' };

test('a calendar file says when, what and where', () => {
  expect(printCalendar(event).split('\r\n')).toEqual([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Meetbox//Meeting page//EN',
    'BEGIN:VEVENT',
    'UID:x@box',
    'DTSTAMP:20261129T080706Z',
    'DTSTART:20261130T090000Z',
    'DTEND:20261130T094500Z',
    'SUMMARY:Stand-up\\; Monday\\, all',
    'DESCRIPTION:One\\nTwo',
    'LOCATION:https://box.example/stand-up',
    'URL:https://box.example/stand-up',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ]);
});

test('no name makes a line of its own, and none is longer than 75 octets', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (title) => {
      const text = printCalendar({ ...event, title });
      const lines = text.split('\r\n');
      expect(lines.every((line) => new TextEncoder().encode(line).length <= 75)).toBe(true);
      expect(lines.filter((line) => line.startsWith('BEGIN:'))).toHaveLength(2);
      expect(text.replace(/\r\n/g, '')).not.toMatch(/[\r\n]/);
    }),
  );
});

test('the next half hour, on this device’s clock', () => {
  expect(nextSlot(new Date(2026, 10, 30, 9, 31).getTime())).toBe('2026-11-30T10:00');
  expect(nextSlot(new Date(2026, 10, 30, 23, 45).getTime())).toBe('2026-12-01T00:00');
});
