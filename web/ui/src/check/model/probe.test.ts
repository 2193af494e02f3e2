import { expect, test, vi } from 'vitest';
import en from '../../i18n/check/en.json';
import { codes, probe, probeNames, verdict, type Result } from './probe.ts';
import { judge } from './quality.ts';
import { readBrowser } from './browser.ts';

test('every probe and every result has its words', () => {
  const have = new Set(Object.keys(en));
  for (const name of probeNames) {
    expect(have.has(`probe.${name}`)).toBe(true);
    expect(codes[name].filter((code) => !have.has(`said.${code}`))).toEqual([]);
  }
});

test('the verdict is the first that does not work, else the first drawback', () => {
  const good: Result = { outcome: 'good', code: 'H00' };
  const warn: Result = { outcome: 'warn', code: 'S01' };
  const bad: Result = { outcome: 'bad', code: 'K09' };
  expect(verdict([good, null, { outcome: 'skipped', code: 'V05' }])).toMatchObject({ outcome: 'good', code: 'OK' });
  expect(verdict([good, warn])).toMatchObject({ outcome: 'warn', code: 'S01' });
  expect(verdict([warn, good, bad])).toMatchObject({ outcome: 'bad', code: 'K09' });
});

test('a probe that breaks says so', async () => {
  const p = probe('stun', { outcome: 'warn', code: 'S01' });
  const going = p.run(() => Promise.reject(new Error('no such thing')));
  expect(p.busy.value).toBe(true);
  expect(await going).toEqual({ outcome: 'warn', code: 'S01', detail: 'Error: no such thing' });
  expect(p.busy.value).toBe(false);
});

const clean = { seconds: 5, lost: 0, packets: 2000, jitter: 0.004, roundTrip: 0.003, bits: 9_000_000, frames: 120 };

test.each([
  [{}, 'M00'],
  [{ lost: 60 }, 'M01'],
  [{ lost: 400 }, 'M02'],
  [{ jitter: 0.08 }, 'M01'],
  [{ roundTrip: 0.4 }, 'M01'],
  [{ frames: 3 }, 'M09'],
])('a call with %o is %s', (change, code) => {
  expect(judge({ ...clean, ...change }).code).toBe(code);
});

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36', 'Chrome 143', false],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox 140', false],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15', 'Safari 18', false],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 14_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0 Mobile/15E148 Safari/604.1', 'Safari 14', true],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.0.0 Safari/537.36 Edg/90.0.1', 'Edge 90', true],
])('reads %s', (agent, name, old) => {
  expect(readBrowser(agent)).toMatchObject({ name, old });
});

test('a probe that never ends is ended', async () => {
  vi.useFakeTimers();
  const p = probe('trust', { outcome: 'skipped', code: 'T05' });
  const going = p.run(() => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(90_000);
  expect(await going).toEqual({ outcome: 'skipped', code: 'T05', detail: 'Error: no answer after 90 s' });
  expect(p.busy.value).toBe(false);
  vi.useRealTimers();
});
