// How the console writes days and sizes, in the language of the page.

import { locale } from './words.ts';

/** A day and its time. */
export function date(time: number | string, style: 'day' | 'minute' | 'second' = 'minute'): string {
  const options = { day: { dateStyle: 'medium' }, minute: { dateStyle: 'medium', timeStyle: 'short' }, second: { dateStyle: 'medium', timeStyle: 'medium' } } as const;
  return new Intl.DateTimeFormat(locale(), options[style]).format(new Date(time));
}

/** "3.2 GB". */
export function bytes(n: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return new Intl.NumberFormat(locale(), { style: 'unit', unit: units[i] ?? 'byte', unitDisplay: 'short', maximumFractionDigits: n < 10 && i > 0 ? 1 : 0 }).format(n);
}
