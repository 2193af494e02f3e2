import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { receiverMeter } from './level.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const receiver = (source: () => { timestamp: number; audioLevel?: number } | undefined): RTCRtpReceiver =>
  ({ getSynchronizationSources: () => [source()].filter((s) => s !== undefined) }) as unknown as RTCRtpReceiver;

// Chromium and Firefox count from 1970, Safari from the start of the machine.
test.each([
  ['since 1970', 1_800_000_000_000],
  ['since the start of the machine', 42],
])('a sound is heard while packets come, and 0 afterwards: time %s', (_, begin) => {
  let timestamp = begin;
  let talks = true;
  let level = -1;
  const meter = receiverMeter(
    () => [['ada', receiver(() => ({ timestamp: talks ? (timestamp += 20) : timestamp, audioLevel: 0.1 }))]],
    (levels) => (level = levels.get('ada') ?? -1),
  );
  vi.advanceTimersByTime(1000);
  expect(level).toBeCloseTo(2 / 3);
  talks = false;
  vi.advanceTimersByTime(400);
  expect(level, 'a gap').toBeCloseTo(2 / 3);
  vi.advanceTimersByTime(300);
  expect(level, 'an end').toBe(0);
  talks = true;
  vi.advanceTimersByTime(100);
  expect(level, 'again').toBeCloseTo(2 / 3);
  meter.stop();
});

test('what sent nothing yet is silent', () => {
  let level = -1;
  const meter = receiverMeter(() => [['ada', receiver(() => undefined)]], (levels) => (level = levels.get('ada') ?? -1));
  vi.advanceTimersByTime(100);
  expect(level).toBe(0);
  meter.stop();
});
