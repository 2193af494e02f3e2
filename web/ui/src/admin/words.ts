import en from '../i18n/console/en.json';
import { named, speakAll, words } from '../i18n/words.ts';
import { trustWords } from '../trust/words.ts';

export type Key = keyof typeof en;

const consoleWords = words<Key>(en, import.meta.glob<Record<string, string>>(['../i18n/console/*.json', '!../i18n/console/en.json'], { import: 'default' }));

/** The words of the console. */
export const { t } = consoleWords;

export const languages = named(consoleWords.tags);

export async function speak(tag: string): Promise<void> {
  await speakAll(tag, [consoleWords, trustWords]);
}

/** A text whose key is only known from the box; what the box said where there is none. */
export function known(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return key in en ? t(key as Key) : code;
}
