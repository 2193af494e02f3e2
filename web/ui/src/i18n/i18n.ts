// The words of the product. Views take them by key; the catalogs hold ICU messages, compiled by the
// build. Switching the language renders again whatever read a text.

import { setupI18n } from '@lingui/core';
import { signal } from '@preact/signals-core';
import en from './catalogs/en.json';

export type Key = keyof typeof en;

const i18n = setupI18n({ locale: 'en', messages: { en } });

const current = signal('en');

/** The language of the page, as a BCP 47 tag. */
export function locale(): string {
  return current.value;
}

export function t(key: Key, values?: Readonly<Record<string, string | number>>): string {
  void current.value; // whoever reads a text wants it again in the next language
  return i18n._(key, values);
}

/** The time of day, as the person's language writes it. */
export function clock(time: number): string {
  return new Intl.DateTimeFormat(current.value, { timeStyle: 'short' }).format(time);
}

/** "2 hours ago". */
export function ago(time: number, now: number): string {
  const steps = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const;
  const format = new Intl.RelativeTimeFormat(current.value, { numeric: 'auto' });
  for (const [unit, length] of steps) {
    if (now - time >= length) return format.format(-Math.round((now - time) / length), unit);
  }
  return format.format(0, 'minute');
}
