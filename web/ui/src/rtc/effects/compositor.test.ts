import { expect, test } from 'vitest';
import { blend, cover } from './compositor.ts';

test('doubt is decided, and what was shown fades', () => {
  const shown = new Float32Array(4);
  const pixels = new Uint8ClampedArray(16);
  blend(shown, Float32Array.of(0, 0.2, 0.5, 1), pixels);
  expect([...shown].map((v) => Math.round(v * 100))).toEqual([0, 0, 32, 65]);
  expect(pixels[4 * 3 + 3]).toBe(166);
  for (let i = 0; i < 8; i++) blend(shown, Float32Array.of(1, 0, 1, 0), pixels);
  expect([...shown].map((v) => Math.round(v))).toEqual([1, 0, 1, 0]);
  expect(pixels[0], 'colour is nobody’s').toBe(0);
});

test('a background covers the picture and keeps its shape', () => {
  expect(cover({ width: 1280, height: 720 }, { width: 640, height: 360 })).toEqual([0, 0, 640, 360]);
  expect(cover({ width: 100, height: 100 }, { width: 200, height: 100 })).toEqual([0, -50, 200, 200]);
  expect(cover({ width: 400, height: 100 }, { width: 100, height: 100 })).toEqual([-150, 0, 400, 100]);
});
