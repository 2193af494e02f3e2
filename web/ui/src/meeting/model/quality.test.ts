import { signal } from '@preact/signals-core';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import type { PeerStats } from '../../rtc/stats.ts';
import { createQuality, figuresOf, judge, score } from './quality.ts';

const inbound = (bytes: number, packets: number, lost: number, height = 180) =>
  ({ kind: 'video', ssrc: 1, bytes, packets, lost, framesDecoded: 1, width: (height * 16) / 9, height, audioEnergy: 0, codec: 'VP8' }) as const;
const outbound = (ssrc: number, bytes: number, height: number) => ({ kind: 'video', ssrc, bytes, packets: 1, width: (height * 16) / 9, height, codec: 'VP9' }) as const;
const none: PeerStats = { inbound: [], outbound: [], roundTrip: 0, available: 0, sentLoss: 0, path: null };

test('figures are what happened between two looks', () => {
  const before = { ...none, inbound: [inbound(1000, 10, 0)], outbound: [outbound(5, 100, 180), outbound(6, 500, 360)] };
  const now = { ...none, inbound: [inbound(26_000, 106, 4)], outbound: [outbound(5, 12_600, 180), outbound(6, 500, 360)], roundTrip: 0.004, sentLoss: 0.01 };
  expect(figuresOf(before, now, 2)).toEqual({
    up: 50_000,
    down: 100_000,
    lossUp: 0.01,
    lossDown: 0.04,
    roundTrip: 0.004,
    sent: '320 × 180', // the bigger layer rests
    received: '320 × 180',
    codecs: ['VP9', 'VP8'],
    path: null,
  });
  expect(figuresOf(now, none, 2)).toMatchObject({ up: 0, down: 0, lossDown: 0, received: '' });
});

test('a score is 0 to 100, and worse for more loss', () => {
  expect(score({ lossUp: 0, lossDown: 0.005, roundTrip: 0.02 })).toBeGreaterThan(90);
  expect(score({ lossUp: 0.12, lossDown: 0, roundTrip: 0.02 })).toBeLessThan(50);
  expect(score({ lossUp: 0, lossDown: 0, roundTrip: 0.6 })).toBeLessThan(50);
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, share, (a, b, roundTrip) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)];
      const [fine, poor] = [score({ lossUp: less, lossDown: 0, roundTrip }), score({ lossUp: more, lossDown: 0, roundTrip })];
      expect(0 <= poor && poor <= fine && fine <= 100).toBe(true);
    }),
  );
});

describe('the verdict', () => {
  test.each([
    ['all is well', 95, { ben: 90 }, { kind: 'good' }],
    ['we alone', 30, {}, { kind: 'own-weak' }],
    ['we, of three', 30, { ben: 90, cleo: 95 }, { kind: 'own-weak' }],
    ['both of two: our own is what we can mend', 30, { ben: 20 }, { kind: 'own-weak' }],
    ['one other', 90, { ben: 20, cleo: 95 }, { kind: 'other-weak', who: 'ben' }],
    ['the worst of the others', 90, { a: 40, b: 20, c: 95, d: 95, e: 90 }, { kind: 'other-weak', who: 'b' }],
    ['most of us', 30, { ben: 20, cleo: 95 }, { kind: 'box-busy' }],
    ['most of the others', 90, { ben: 20, cleo: 30 }, { kind: 'box-busy' }],
  ] as const)('%s', (_what, own, others, want) => {
    expect(judge(own, new Map(Object.entries(others)))).toEqual(want);
  });
});

test('one bad look is no news, being cut off is; the others are told', async () => {
  vi.useFakeTimers();
  let sentLoss = 0;
  let at = 0;
  const told: number[] = [];
  const lost = signal(false);
  const quality = createQuality({
    stats: () => Promise.resolve({ ...none, sentLoss }),
    lost,
    others: () => new Map(),
    tell: (q) => told.push(q),
    now: () => (at += 2000),
  });
  quality.start();
  const looks = (n: number) => vi.advanceTimersByTimeAsync(2000 * n);
  await looks(3);
  sentLoss = 0.3;
  await looks(1);
  sentLoss = 0;
  await looks(3);
  expect(quality.verdict.value).toEqual({ kind: 'good' });
  sentLoss = 0.3;
  await looks(4);
  expect(quality.verdict.value).toEqual({ kind: 'own-weak' });
  sentLoss = 0;
  await looks(5);
  expect(quality.verdict.value).toEqual({ kind: 'good' });
  lost.value = true;
  expect(quality.verdict.value).toEqual({ kind: 'lost' });
  lost.value = false;
  expect(quality.verdict.value).toEqual({ kind: 'good' });
  expect(told.length).toBeGreaterThan(3);
  quality.stop();
  vi.useRealTimers();
});
