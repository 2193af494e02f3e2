import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign, commandOf, commands, defaults, isFree, keyOf, parse, print, type Press } from './keymap.ts';

const press = (key: string, more: Partial<Press> = {}): Press => ({ key, code: '', altKey: false, ctrlKey: false, metaKey: false, ...more });

describe('the name of a key', () => {
  test.each([
    ['m', press('m'), 'm'],
    ['with the shift lock', press('M', { code: 'KeyM' }), 'm'],
    ['the space bar', press(' ', { code: 'Space' }), 'space'],
    ['a question mark, wherever it is', press('?', { code: 'Minus' }), '?'],
    ['M on a Cyrillic keyboard', press('ь', { code: 'KeyM' }), 'm'],
    ['A on a French one is where Q is elsewhere', press('a', { code: 'KeyQ' }), 'a'],
    ['Option and T on a Mac', press('†', { code: 'KeyT', altKey: true }), 'alt+t'],
    ['with Control', press('m', { ctrlKey: true }), ''],
    ['with Command', press('c', { metaKey: true }), ''],
    ['Tab', press('Tab', { code: 'Tab' }), ''],
    ['Escape', press('Escape', { code: 'Escape' }), ''],
  ])('%s', (_what, given, want) => {
    expect(keyOf(given)).toBe(want);
  });
});

test('each key does one thing, and all of them come back from storage', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...commands), fc.constantFrom('', 'm', 'v', 'x', 'space', 'alt+t', '1', '?'))), (changes) => {
      const map = changes.reduce((m, [command, key]) => assign(m, command, key), defaults);
      const used = commands.map((c) => map[c]).filter((k) => k !== '');
      expect(new Set(used).size).toBe(used.length);
      expect(used.every(isFree)).toBe(true);
      expect(parse(print(map))).toEqual(map);
    }),
  );
});

test('a taken key changes hands; a digit does not', () => {
  const map = assign(defaults, 'camera', 'm');
  expect(commandOf(map, 'm')).toBe('camera');
  expect(map.microphone).toBe('');
  expect(assign(map, 'chat', '3')).toBe(map);
  expect(print(defaults)).toBe('{}');
});

test('damaged storage is the default', () => {
  for (const text of ['', 'null', '[]', '3', '{"microphone":4}', '{"nothing":"x"}', '{']) expect(parse(text)).toEqual(defaults);
  fc.assert(fc.property(fc.json(), (text) => void parse(text)));
});
