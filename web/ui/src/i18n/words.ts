// Words in the language of the person. A page has a catalog of its own for each language, so that none
// loads another's texts; all of a page's catalogs speak the same language.

import { setupI18n } from '@lingui/core';
import { signal } from '@preact/signals-core';

type Values = Readonly<Record<string, string | number>>;
type Load = () => Promise<Readonly<Record<string, string>>>;

/** The texts of one part of the product. */
export interface Words<Key extends string> {
  readonly t: (key: Key, values?: Values) => string;
  /** The languages other than English that there are files for. */
  readonly tags: readonly string[];
  readonly load: (tag: string) => Promise<(() => void) | null>;
}

const current = signal('en');

/** Catalogs: what `import.meta.glob` found, by file name. English is in the page; any other one may fail to load. */
export function words<Key extends string>(english: Readonly<Record<Key, string>>, others: Readonly<Record<string, Load>>): Words<Key> {
  const i18n = setupI18n({ locale: 'en', messages: { en: english as Record<string, string> } });
  const files = new Map(Object.entries(others).map(([file, load]) => [file.replace(/^.*\/|\.json$/g, ''), load]));
  return {
    tags: [...files.keys()],
    t: (key, values) => {
      void current.value; // whoever reads a text wants it again in the next language
      return i18n._(key, values);
    },
    load: async (tag) => {
      const load = files.get(tag);
      if (load) i18n.load(tag, await load());
      else if (tag !== 'en') return null;
      return () => i18n.activate(tag);
    },
  };
}

/** Switches a page's catalogs to one of our languages; one that does not have it stays as it is. */
export async function speakAll(tag: string, catalogs: readonly Pick<Words<string>, 'load'>[]): Promise<void> {
  const switches = await Promise.all(catalogs.map((c) => c.load(tag)));
  const found = switches.filter((s) => s !== null);
  for (const activate of found) activate();
  if (found.length > 0) current.value = tag;
}

/** The language of the page, as a BCP 47 tag. */
export function locale(): string {
  return current.value;
}

/** Each language in its own words. */
export function named(tags: readonly string[]): readonly { readonly tag: string; readonly name: string }[] {
  return ['en', ...tags].map((tag) => {
    const own = new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag;
    return { tag, name: own.charAt(0).toLocaleUpperCase(tag) + own.slice(1) };
  });
}

/** The best of our languages for somebody who reads these, best first. */
export function bestLanguage(wanted: readonly string[], have: readonly string[]): string {
  for (const tag of wanted) {
    const base = tag.split('-')[0] ?? '';
    const found = have.find((h) => h.toLowerCase() === tag.toLowerCase()) ?? have.find((h) => h.split('-')[0] === base);
    if (found !== undefined) return found;
  }
  return 'en';
}

/** The time of day, as the person's language writes it. */
export function clock(time: number): string {
  return new Intl.DateTimeFormat(current.value, { timeStyle: 'short' }).format(time);
}

/** "2 hours ago", "in 3 days". */
export function ago(time: number, now: number): string {
  const steps = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const;
  const format = new Intl.RelativeTimeFormat(current.value, { numeric: 'auto' });
  for (const [unit, length] of steps) {
    if (Math.abs(now - time) >= length) return format.format(Math.round((time - now) / length), unit);
  }
  return format.format(0, 'minute');
}
