// What the numbers of a test call mean.

import type { Result } from './probe.ts';

/** The worse of both directions, over the time measured. */
export interface Measured {
  readonly seconds: number;
  readonly packets: number;
  readonly lost: number;
  /** Seconds. */
  readonly jitter: number;
  readonly roundTrip: number;
  /** Of picture and sound that arrived, both ways. */
  readonly bits: number;
  readonly frames: number;
}

const some = { loss: 0.02, jitter: 0.05, roundTrip: 0.25 };
const much = { loss: 0.1 };

/** The frames that at least arrive in a second, or there is no picture. */
const leastFrames = 2;

export function judge(m: Measured): Result {
  const loss = m.lost / Math.max(1, m.lost + m.packets);
  const numbers = {
    loss: Math.round(loss * 1000) / 10,
    jitter: Math.round(m.jitter * 1000),
    rtt: Math.round(m.roundTrip * 1000),
    mbits: Math.round(m.bits / Math.max(1, m.seconds) / 100_000) / 10,
  };
  const detail = `${numbers.mbits} Mbit/s, loss ${numbers.loss} %, jitter ${numbers.jitter} ms, rtt ${numbers.rtt} ms, ${m.frames} frames in ${Math.round(m.seconds)} s`;
  if (m.frames < leastFrames * m.seconds) return { outcome: 'bad', code: 'M09', detail, values: numbers };
  if (loss > much.loss) return { outcome: 'bad', code: 'M02', detail, values: numbers };
  if (loss > some.loss || m.jitter > some.jitter || m.roundTrip > some.roundTrip) return { outcome: 'warn', code: 'M01', detail, values: numbers };
  return { outcome: 'good', code: 'M00', detail, values: numbers };
}
