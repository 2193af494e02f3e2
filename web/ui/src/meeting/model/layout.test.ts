import fc from 'fast-check';
import { expect, test } from 'vitest';

import { constraintsFor, stepFor } from './constraints.ts';
import { fitGrid, layoutOf, pageOf, pageSize, stableOrder, type LayoutInput } from './layout.ts';

const box = fc.record({ width: fc.integer({ min: 200, max: 4000 }), height: fc.integer({ min: 200, max: 3000 }) });

test('a grid fits its box and holds everybody', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 49 }), box, (count, b) => {
      const g = fitGrid(count, b, 2);
      expect(g.columns * g.rows).toBeGreaterThanOrEqual(count);
      expect(g.columns * g.tile.width + (g.columns - 1) * 2).toBeLessThanOrEqual(b.width);
      expect(g.rows * g.tile.height + (g.rows - 1) * 2).toBeLessThanOrEqual(b.height);
      expect((g.columns - 1) * g.rows).toBeLessThan(Math.max(count, 1) + g.rows);
    }),
  );
});

test('grids as people expect them', () => {
  const shape = (n: number, width: number, height: number) => {
    const g = fitGrid(n, { width, height });
    return [g.columns, g.rows];
  };
  expect(shape(1, 1600, 900)).toEqual([1, 1]);
  expect(shape(2, 1600, 900)).toEqual([2, 1]);
  expect(shape(4, 1600, 900)).toEqual([2, 2]);
  expect(shape(9, 1600, 900)).toEqual([3, 3]);
  expect(shape(2, 390, 800)).toEqual([1, 2]);
  expect(fitGrid(0, { width: 10, height: 10 })).toMatchObject({ columns: 1, rows: 1 });
});

test('pages', () => {
  expect(pageSize({ width: 340, height: 200 })).toBe(4);
  expect(pageSize({ width: 1, height: 1 })).toBe(1);
  expect(pageOf([1, 2, 3, 4, 5], 1, 2)).toEqual({ items: [3, 4], page: 1, pages: 3 });
  expect(pageOf([1, 2, 3], 9, 2)).toEqual({ items: [3], page: 1, pages: 2 });
  expect(pageOf([], 0, 2)).toEqual({ items: [], page: 0, pages: 1 });
});

const ids = fc.uniqueArray(fc.stringMatching(/^[a-h]$/), { maxLength: 8 });

test('an order has everybody once, and changes nothing without a reason', () => {
  fc.assert(
    fc.property(ids, ids, ids, fc.integer({ min: 1, max: 5 }), (before, here, speakers, first) => {
      const order = stableOrder(before, here, speakers, first);
      expect(order.toSorted()).toEqual(here.toSorted());
      expect(stableOrder(order, here, speakers, first)).toEqual(order);
      // Whoever speaks now is on the first page.
      const now = speakers.find((s) => here.includes(s)) ?? order[0] ?? '';
      expect(order.indexOf(now)).toBeLessThan(first);
    }),
  );
});

test('few tiles move', () => {
  expect(stableOrder(['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd', 'e'], [], 2)).toEqual(['a', 'b', 'c', 'd', 'e']);
  // d speaks: it takes the place of b, who was silent longer than a.
  expect(stableOrder(['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd'], ['d', 'a'], 2)).toEqual(['a', 'd', 'c', 'b']);
  // b left: the last one fills the gap, nobody else moves.
  expect(stableOrder(['a', 'b', 'c', 'd'], ['a', 'c', 'd'], [], 4)).toEqual(['a', 'd', 'c']);
  // A newcomer fills it rather.
  expect(stableOrder(['a', 'b', 'c'], ['a', 'c', 'n'], [], 3)).toEqual(['a', 'n', 'c']);
  expect(stableOrder(['a', 'b', 'c'], ['a', 'b', 'c'], ['c'], 2, ['a', 'b'])).toEqual(['a', 'b', 'c']);
});

test('what gets the stage', () => {
  const base: LayoutInput = { order: ['me', 'a', 'b'], sharing: [], pinned: null, speakerView: false, dominant: 'b', me: 'me' };
  expect(layoutOf(base).kind).toBe('grid');
  expect(layoutOf({ ...base, speakerView: true })).toMatchObject({ kind: 'stage', stage: { participant: 'b', picture: 'camera' } });
  expect(layoutOf({ ...base, speakerView: true, dominant: 'me' })).toMatchObject({ stage: { participant: 'a' } });
  expect(layoutOf({ ...base, sharing: ['a'] })).toMatchObject({ stage: { participant: 'a', picture: 'screen' }, strip: { length: 3 } });
  expect(layoutOf({ ...base, sharing: ['me'] })).toMatchObject({ kind: 'grid', tiles: { length: 4 } });
  expect(layoutOf({ ...base, sharing: ['a'], pinned: { participant: 'b', picture: 'camera' } })).toMatchObject({ stage: { participant: 'b' } });
  // The pinned one left.
  expect(layoutOf({ ...base, pinned: { participant: 'z', picture: 'camera' } }).kind).toBe('grid');
  expect(layoutOf({ ...base, order: ['me'], speakerView: true }).kind).toBe('grid');
});

test('pictures are asked for in the size they are shown', () => {
  expect([90, 180, 200, 300, 700, 900, 1000, 9000].map(stepFor)).toEqual([180, 180, 180, 360, 720, 720, 1080, 2160]);
  const sourceOf = (s: { participant: string; picture: string }) => (s.participant === 'x' ? '' : `${s.participant}-${s.picture === 'camera' ? 'v0' : 'v1'}`);
  expect(
    constraintsFor(
      [
        { participant: 'a', picture: 'screen', height: 1000, stage: true },
        { participant: 'a', picture: 'camera', height: 100 },
        { participant: 'a', picture: 'screen', height: 100 },
        { participant: 'x', picture: 'camera', height: 100 },
      ],
      sourceOf,
      -1,
    ),
  ).toEqual({
    lastN: -1,
    defaultConstraints: { maxHeight: 0 },
    constraints: { 'a-v1': { maxHeight: 1080 }, 'a-v0': { maxHeight: 180 } },
    onStageSources: ['a-v1'],
    selectedSources: [],
  });
});
