import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pronounceable, secureRandom } from './names.ts';
import { forget, recentRooms, remember, titleOf } from './recent.ts';

class Memory implements Storage {
  readonly #map = new Map<string, string>();
  get length(): number {
    return this.#map.size;
  }
  clear(): void {
    this.#map.clear();
  }
  getItem(key: string): string | null {
    return this.#map.get(key) ?? null;
  }
  key(): string | null {
    return null;
  }
  removeItem(key: string): void {
    this.#map.delete(key);
  }
  setItem(key: string, value: string): void {
    this.#map.set(key, value);
  }
}

describe('made-up names', () => {
  test('can be said: a vowel after each consonant', () => {
    for (let i = 0; i < 200; i++) expect(pronounceable(secureRandom)).toMatch(/^(?:[bdfghklmnprstvz][aeiou]){3}-(?:[bdfghklmnprstvz][aeiou]){3}$/);
  });

  test('use every number below the bound and none above', () => {
    const seen = new Set(Array.from({ length: 500 }, () => secureRandom(5)));
    expect([...seen].toSorted()).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('recent rooms', () => {
  test('newest first, each once, six at most', () => {
    const store = new Memory();
    for (let i = 0; i < 9; i++) remember(store, { room: `room ${i}` }, i);
    remember(store, { room: 'room 5' }, 10);
    expect(recentRooms(store).map((r) => r.room)).toEqual(['room 5', 'room 8', 'room 7', 'room 6', 'room 4', 'room 3']);
    forget(store, { room: 'room 7' });
    expect(recentRooms(store).some((r) => r.room === 'room 7')).toBe(false);
  });

  test('a tenant has rooms of its own', () => {
    const store = new Memory();
    remember(store, { room: 'standup' }, 1);
    remember(store, { room: 'standup', tenant: 'acme' }, 2);
    remember(store, { room: 'standup', tenant: '' }, 3);
    expect(recentRooms(store).map(titleOf)).toEqual(['standup', 'acme/standup']);
    forget(store, { room: 'standup', tenant: 'acme' });
    expect(recentRooms(store).map(titleOf)).toEqual(['standup']);
  });

  test('damaged storage is an empty list', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const store = new Memory();
        store.setItem('meetbox.recent', text);
        for (const { room, at } of recentRooms(store)) expect([typeof room, typeof at]).toEqual(['string', 'number']);
      }),
    );
  });

  test('storage that refuses to write costs nothing but the memory', () => {
    const store = new Memory();
    store.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    expect(() => remember(store, { room: 'a' }, 1)).not.toThrow();
  });
});
