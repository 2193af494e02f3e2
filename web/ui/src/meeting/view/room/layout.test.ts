import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Place, placesOf, type Scene } from './layout.ts';

const people = (n: number) => Array.from({ length: n }, (_, i) => (i === 0 ? 'me' : `p${i}`));

function scene(n: number, width: number, height: number, more: Partial<Scene> = {}): Scene {
  return { me: 'me', people: people(n), sharing: [], size: { width, height }, page: 0, ...more };
}

function overlap(a: Place, b: Place): boolean {
  const apart = a.box.left + a.box.width <= b.box.left || b.box.left + b.box.width <= a.box.left || a.box.top + a.box.height <= b.box.top || b.box.top + b.box.height <= a.box.top;
  return !apart;
}

describe('places', () => {
  test('of anybody on any screen lie inside it and apart from each other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 200, max: 2600 }), fc.integer({ min: 200, max: 1600 }), fc.boolean(), fc.nat(9), (n, width, height, shared, page) => {
        const { tiles } = placesOf(scene(n, width, height, { sharing: shared ? [people(n).at(-1) ?? 'me'] : [], page }));
        expect(tiles.length).toBeGreaterThan(0);
        for (const [i, tile] of tiles.entries()) {
          const { left, top, width: w, height: h } = tile.box;
          const inside = left >= -1 && top >= -1 && left + w <= width + 1 && top + h <= height + 1;
          const covered = tiles.slice(i + 1).filter((other) => other.role !== 'corner' && overlap(tile, other));
          expect({ tile, inside, covered }).toEqual({ tile, inside: true, covered: [] });
        }
      }),
    );
  });

  test('with room for one picture, that is somebody else', () => {
    expect(placesOf(scene(3, 320, 146)).tiles.map((tile) => tile.participant)).toEqual(['p1']);
    expect(placesOf(scene(3, 320, 146, { page: 2 })).tiles.map((tile) => tile.participant)).toEqual(['me']);
    expect(placesOf(scene(1, 320, 146)).tiles.map((tile) => tile.participant)).toEqual(['me']);
  });

  test('show everybody on exactly one page', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 300, max: 1600 }), fc.integer({ min: 300, max: 1200 }), (n, width, height) => {
        const { pages } = placesOf(scene(n, width, height));
        const seen = Array.from({ length: pages }, (_, page) => placesOf(scene(n, width, height, { page })).tiles).flat();
        expect(seen.map((tile) => tile.participant).toSorted()).toEqual(people(n).toSorted());
      }),
    );
  });

  test('two on an upright phone: the other one large, we in the corner', () => {
    const { tiles } = placesOf(scene(2, 374, 720));
    expect(tiles.map((tile) => [tile.participant, tile.role])).toEqual([
      ['p1', 'grid'],
      ['me', 'corner'],
    ]);
    expect(tiles[0]?.box).toEqual({ left: 0, top: 0, width: 374, height: 720 });
  });

  test('a shared screen is on the stage; our own is not', () => {
    const shared = placesOf(scene(3, 1200, 700, { sharing: ['p2'] })).tiles;
    expect(shared[0]).toMatchObject({ participant: 'p2', picture: 'screen', role: 'stage' });
    expect(shared.slice(1).every((tile) => tile.role === 'strip')).toBe(true);
    expect(placesOf(scene(3, 1200, 700, { sharing: ['me'] })).tiles.every((tile) => tile.role === 'grid')).toBe(true);
  });

  test('whoever is pinned or speaks is big', () => {
    const speaking = placesOf(scene(4, 1200, 700, { speakerView: true, speaker: 'p3' })).tiles;
    expect(speaking.map((tile) => [tile.participant, tile.role])).toEqual([['p3', 'stage'], ['me', 'strip'], ['p1', 'strip'], ['p2', 'strip']]);
    const pinned = placesOf(scene(4, 1200, 700, { speakerView: true, speaker: 'p3', pinned: { participant: 'p1', picture: 'camera' } })).tiles;
    expect(pinned[0]).toMatchObject({ participant: 'p1', role: 'stage' });
    expect(placesOf(scene(2, 374, 720, { pinned: { participant: 'me', picture: 'camera' } })).tiles[0]).toMatchObject({ participant: 'me', role: 'stage' });
  });

  test('a page has 25 pictures at most, and those are not too small to see', () => {
    fc.assert(
      fc.property(fc.integer({ min: 26, max: 100 }), fc.integer({ min: 320, max: 3840 }), fc.integer({ min: 320, max: 2160 }), (n, width, height) => {
        const { tiles, pages } = placesOf(scene(n, width, height));
        expect(tiles.length).toBeLessThanOrEqual(25);
        expect(pages).toBeGreaterThan(1);
        expect(Math.min(...tiles.map((tile) => tile.box.width))).toBeGreaterThanOrEqual(100);
      }),
    );
  });

  test('turning a phone keeps the people of the first page together', () => {
    for (const n of [2, 3, 4, 5, 6]) {
      const upright = placesOf(scene(n, 374, 640)).tiles;
      const lying = placesOf(scene(n, 740, 290)).tiles;
      expect(lying.map((tile) => tile.participant).toSorted()).toEqual(upright.map((tile) => tile.participant).toSorted());
    }
  });

  test('without the strip the big picture has all of the space', () => {
    const { tiles } = placesOf(scene(5, 1200, 700, { speakerView: true, speaker: 'p3', bare: true }));
    expect(tiles).toEqual([{ participant: 'p3', picture: 'camera', role: 'stage', box: { left: 0, top: 0, width: 1200, height: 700 } }]);
    expect(placesOf(scene(5, 1200, 700, { bare: true })).tiles).toHaveLength(5);
  });

  test('our own picture can be hidden, but not from ourselves when we are alone or pinned it', () => {
    const seen = (n: number, more: Partial<Scene>) => placesOf(scene(n, 1200, 700, { hideMe: true, ...more })).tiles.map((tile) => tile.participant);
    expect(seen(3, {})).toEqual(['p1', 'p2']);
    expect(seen(1, {})).toEqual(['me']);
    expect(seen(3, { pinned: { participant: 'me', picture: 'camera' } })).toEqual(['me', 'p1', 'p2']);
  });

  test('nothing before the stage has a size', () => {
    expect(placesOf(scene(3, 0, 0)).tiles).toEqual([]);
  });
});
