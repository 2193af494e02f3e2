import { expect, test } from 'vitest';
import { ago, clock, t } from './i18n.ts';

test('a text with its values, in the right number', () => {
  expect(t('people.remove-title', { name: 'Ada' })).toBe('Remove Ada?');
  expect(t('toolbar.chat-unread', { n: 1 })).toBe('Chat, 1 new message');
  expect(t('toolbar.chat-unread', { n: 12 })).toBe('Chat, 12 new messages');
});

test('a value is text, whatever it looks like', () => {
  expect(t('people.remove-title', { name: '{n} <b>' })).toBe('Remove {n} <b>?');
});

test('times in words', () => {
  const now = Date.UTC(2030, 4, 1, 12);
  expect(ago(now - 2 * 3_600_000, now)).toBe('2 hours ago');
  expect(ago(now - 86_400_000, now)).toBe('yesterday');
  expect(ago(now - 1000, now)).toBe('this minute');
  expect(clock(now)).toMatch(/\d/);
});
