// The words of the meeting's pages. Views take them by key; the catalogs hold ICU messages, compiled by
// the build. Switching the language renders again whatever read a text.

import en from './catalogs/en.json';
import { bestLanguage as best, locale, named, speakAll, words, type Words } from './words.ts';

export { ago, clock, locale } from './words.ts';

export type Key = keyof typeof en;

const meeting = words<Key>(en, import.meta.glob<Record<string, string>>(['./catalogs/*.json', '!./catalogs/en.json'], { import: 'default' }));

export const t = meeting.t;

/** What the page speaks, each in its own words. */
export const languages = named(meeting.tags);

export function bestLanguage(wanted: readonly string[], have: readonly string[] = languages.map((l) => l.tag)): string {
  return best(wanted, have);
}

const catalogs: Pick<Words<string>, 'load'>[] = [meeting];

/** Switches the page to one of our languages. */
export async function speak(tag: string): Promise<void> {
  await speakAll(tag, catalogs);
}

/** Words that are loaded later speak the page's language, too. */
export async function join(later: Pick<Words<string>, 'load'>): Promise<void> {
  catalogs.push(later);
  // Without them it is English.
  await speakAll(locale(), [later]).catch(() => undefined);
}
