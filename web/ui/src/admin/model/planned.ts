// Planned meetings: what a new one begins with.

import type { PlannedMeeting } from '../api.ts';

export const repeats = ['once', 'daily', 'workdays', 'weekly', 'always'] as const;
export type Repeat = (typeof repeats)[number];

export function repeatOf(m: PlannedMeeting): Repeat {
  return repeats.find((r) => r === m.repeat) ?? 'once';
}

const two = (n: number) => String(n).padStart(2, '0');

/** The clocks' time as the box takes it: 2026-12-01T09:30. */
export function localTime(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A meeting of an hour at the next full hour, by the clocks of this browser. */
export function newMeeting(now: Date, zone: string): PlannedMeeting {
  const begin = new Date(now);
  begin.setMinutes(60, 0, 0);
  return { room: '', title: '', begin: localTime(begin), minutes: 60, zone };
}

/** A room's name from a title: what its address may have. */
export function roomFrom(title: string): string {
  return title
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
}

/** What is not needed for the way it repeats is left out. */
export function tidy(m: PlannedMeeting): PlannedMeeting {
  const { repeat, last_day, begin, minutes, zone, ...rest } = m;
  if (repeat === 'always') return { ...rest, repeat };
  const times = { ...rest, begin: begin ?? '', minutes: minutes ?? 0, zone: zone ?? '' };
  if (!repeat) return times;
  return last_day ? { ...times, repeat, last_day } : { ...times, repeat };
}
