import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitted, places } from './scene.ts';

const size = { width: 1280, height: 720 };

test('everybody has a place inside, and nobody is behind another', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (screens) => {
      const boxes = places(screens, size);
      expect(boxes).toHaveLength(screens.length);
      for (const [i, a] of boxes.entries()) {
        expect(a.width).toBeGreaterThan(10);
        expect([a.left >= 0, a.top >= 0, a.left + a.width <= size.width + 0.01, a.top + a.height <= size.height + 0.01]).toEqual([true, true, true, true]);
        for (const b of boxes.slice(i + 1)) {
          const apart = a.left + a.width <= b.left || b.left + b.width <= a.left || a.top + a.height <= b.top || b.top + b.height <= a.top;
          expect(apart).toBe(true);
        }
      }
    }),
  );
});

test('a screen is larger than the people beside it', () => {
  const [person, screen] = places([false, true], size);
  expect(screen?.width).toBeGreaterThan(3 * (person?.width ?? 0));
});

test('a camera fills its place, a screen is seen whole', () => {
  const box = { left: 10, top: 10, width: 200, height: 100 };
  expect(fitted({ width: 100, height: 100 }, box, false)).toEqual({ left: 10, top: -40, width: 200, height: 200 });
  expect(fitted({ width: 100, height: 100 }, box, true)).toEqual({ left: 60, top: 10, width: 100, height: 100 });
});
