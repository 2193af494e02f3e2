import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bestLanguage, languages, speak, t } from './i18n.ts';

const folder = new URL('catalogs/', import.meta.url);
const english = JSON.parse(readFileSync(new URL('en.json', folder), 'utf8')) as Record<string, string>;
const others = readdirSync(folder).filter((f) => f !== 'en.json');

/** The names of a message's values. */
function values(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map((m) => m[1] ?? ''))].filter((v) => v !== '' && !/^[A-Z]/.test(v)).toSorted();
}

test.each(others)('%s has every text, with the same values', (file) => {
  const texts = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, string>;
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
