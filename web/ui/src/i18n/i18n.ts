// The words of the product. Views take them by key; the catalogs hold ICU messages, compiled by the
// build. Switching the language renders again whatever read a text.

import { setupI18n } from '@lingui/core';
import { signal } from '@preact/signals-core';
import en from './catalogs/en.json';

export type Key = keyof typeof en;

const i18n = setupI18n({ locale: 'en', messages: { en } });

const current = signal('en');

// One file per language, loaded when it is wanted. English is in the page: every other one may fail to load.
const others = import.meta.glob<Record<Key, string>>(['./catalogs/*.json', '!./catalogs/en.json'], { import: 'default' });

const fileOf = (tag: string) => `./catalogs/${tag}.json`;

/** What the page speaks, each in its own words. */
export const languages: readonly { readonly tag: string; readonly name: string }[] = ['en', ...Object.keys(others).map((f) => f.slice(11, -5))].map((tag) => {
  const own = new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag;
  return { tag, name: own.charAt(0).toLocaleUpperCase(tag) + own.slice(1) };
});

/** The best of our languages for somebody who reads these, best first. */
export function bestLanguage(wanted: readonly string[], have: readonly string[] = languages.map((l) => l.tag)): string {
  for (const tag of wanted) {
    const base = tag.split('-')[0] ?? '';
    const found = have.find((h) => h.toLowerCase() === tag.toLowerCase()) ?? have.find((h) => h.split('-')[0] === base);
    if (found !== undefined) return found;
  }
  return 'en';
}

/** Switches the page to one of our languages. */
export async function speak(tag: string): Promise<void> {
  const load = others[fileOf(tag)];
  if (load) i18n.load(tag, await load());
  else if (tag !== 'en') return;
  i18n.activate(tag);
  current.value = tag;
}

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
