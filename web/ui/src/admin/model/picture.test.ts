import { expect, test } from 'vitest';

import { fit, logoOf } from './picture.ts';

test('a logo is scaled to what is shown, never up', () => {
  expect(fit(100, 40)).toEqual({ width: 100, height: 40 });
  expect(fit(2000, 500)).toEqual({ width: 480, height: 120 });
  expect(fit(1000, 1000)).toEqual({ width: 160, height: 160 });
  expect(fit(480, 160, 0.5)).toEqual({ width: 240, height: 80 });
  expect(fit(50_000, 3)).toEqual({ width: 480, height: 1 });
});

test('what can carry scripts is no logo', async () => {
  await expect(logoOf(new File(['<svg/>'], 'logo.svg', { type: 'image/svg+xml' }))).rejects.toThrow('no picture');
});
