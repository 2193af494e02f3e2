import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bestLanguage, languages, speak, t } from './i18n.ts';

const folders = ['catalogs', 'check', 'console', 'frame', 'media', 'together', 'trust'];

function read(folder: string, file: string): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`${folder}/${file}`, import.meta.url), 'utf8')) as Record<string, string>;
}

const others = folders.flatMap((folder) => readdirSync(new URL(`${folder}/`, import.meta.url)).flatMap((file) => (file === 'en.json' ? [] : [[folder, file] as const])));

/** The names of a message's values. */
function values(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map((m) => m[1] ?? ''))].filter((v) => v !== '' && !/^[A-Z]/.test(v)).toSorted();
}

test.each(folders)('%s is there in every language', (folder) => {
  expect(readdirSync(new URL(`${folder}/`, import.meta.url)).toSorted()).toEqual(languages.map((l) => `${l.tag}.json`).toSorted());
});

test.each(others)('%s/%s has every text, with the same values', (folder, file) => {
  const [texts, english] = [read(folder, file), read(folder, 'en.json')];
  expect(Object.keys(texts).toSorted()).toEqual(Object.keys(english).toSorted());
  const wrong = Object.entries(texts).filter(([key, text]) => text.trim() === '' || (!text.includes('plural') && String(values(text)) !== String(values(english[key] ?? ''))));
  expect(wrong).toEqual([]);
});

test('the best language for a reader', () => {
  const have = ['en', 'de', 'pt-BR'];
  expect(bestLanguage(['de-AT', 'en'], have)).toBe('de');
  expect(bestLanguage(['pt-PT'], have)).toBe('pt-BR');
  expect(bestLanguage(['ja', 'en-GB'], have)).toBe('en');
  expect(bestLanguage([], have)).toBe('en');
});

test.each(languages.map((l) => l.tag))('speaks %s', async (tag) => {
  await speak(tag);
  expect(t('toolbar.chat-unread', { n: 5 })).toContain('5');
  await speak('en');
});
