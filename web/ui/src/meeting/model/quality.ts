// How well the connection does, in figures and as a verdict that can be put into words. The figures
// come from the difference of two looks at the statistics; what the others think of theirs comes over
// the bridge channel.

import { computed, signal, type ReadonlySignal } from '@preact/signals-core';

import type { PeerStats, Path } from '../../rtc/stats.ts';

/** Rates are bits per second, losses shares from 0 to 1, times seconds. */
export interface Figures {
  readonly up: number;
  readonly down: number;
  readonly lossUp: number;
  readonly lossDown: number;
  readonly roundTrip: number;
  /** The largest of our own camera's or screen's layers that is sent now, '' for none. */
  readonly sent: string;
  /** The largest picture that arrives, '' for none. */
  readonly received: string;
  /** What pictures are encoded with, ours first. */
  readonly codecs: readonly string[];
  readonly path: Path | null;
}

/** Whose fault it is, as far as this end can tell. */
export type Verdict =
  | { readonly kind: 'good' | 'own-weak' | 'box-busy' | 'lost' }
  | { readonly kind: 'other-weak'; readonly who: string };

/** A line below this is called weak. */
export const weak = 50;

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0);
}

type Sized = { readonly ssrc: number; readonly bytes: number; readonly width: number; readonly height: number };

function largest(now: readonly Sized[], before: readonly Sized[]): string {
  const flowing = now.filter((s) => s.height > 0 && s.bytes > (before.find((b) => b.ssrc === s.ssrc)?.bytes ?? 0));
  const big = flowing.toSorted((a, b) => b.height - a.height)[0];
  return big ? `${big.width} × ${big.height}` : '';
}

/** What happened between two looks, `seconds` apart. */
export function figuresOf(before: PeerStats, now: PeerStats, seconds: number): Figures {
  const rate = (a: number, b: number) => (seconds > 0 ? Math.max(0, ((b - a) * 8) / seconds) : 0);
  const got = sum(now.inbound, (s) => s.packets) - sum(before.inbound, (s) => s.packets);
  const lost = sum(now.inbound, (s) => s.lost) - sum(before.inbound, (s) => s.lost);
  const used = [...now.outbound, ...now.inbound].filter((s) => s.kind === 'video' && s.height > 0 && s.codec !== '');
  return {
    up: rate(sum(before.outbound, (s) => s.bytes), sum(now.outbound, (s) => s.bytes)),
    down: rate(sum(before.inbound, (s) => s.bytes), sum(now.inbound, (s) => s.bytes)),
    lossUp: now.sentLoss,
    lossDown: got + lost > 0 ? Math.min(1, Math.max(0, lost / (got + lost))) : 0,
    roundTrip: now.roundTrip,
    sent: largest(now.outbound, before.outbound),
    received: largest(now.inbound, before.inbound),
    codecs: [...new Set(used.map((s) => s.codec))],
    path: now.path,
  };
}

/**
 * 100 is perfect, 0 is no use. One lost packet in a hundred is hidden by repair, one in ten is heard;
 * a local line answers within some milliseconds, and speech is hard from 300 on.
 */
export function score(f: Pick<Figures, 'lossUp' | 'lossDown' | 'roundTrip'>): number {
  const loss = Math.max(f.lossUp, f.lossDown);
  const late = Math.max(0, f.roundTrip - 0.1);
  return Math.max(0, Math.round(100 - loss * 600 - late * 150));
}

/** others: what each of the others says of their own line, by participant. */
export function judge(own: number, others: ReadonlyMap<string, number>): Verdict {
  const all = [own, ...others.values()];
  const poor = all.filter((q) => q < weak).length;
  // Lines seldom get worse together; what they have in common is the box.
  if (all.length >= 3 && poor >= 2 && poor * 2 >= all.length) return { kind: 'box-busy' };
  if (own < weak) return { kind: 'own-weak' };
  const worst = [...others].toSorted((a, b) => a[1] - b[1])[0];
  return worst && worst[1] < weak ? { kind: 'other-weak', who: worst[0] } : { kind: 'good' };
}

export interface Quality {
  readonly figures: ReadonlySignal<Figures | null>;
  /** Being cut off counts at once, anything else when two looks in a row come to it. */
  readonly verdict: ReadonlySignal<Verdict>;
}

export interface QualityOptions {
  stats(): Promise<PeerStats | null>;
  /** Whether nothing gets through. */
  readonly lost: ReadonlySignal<boolean>;
  /** By participant. */
  others(): ReadonlyMap<string, number>;
  /** Tells the others. */
  tell(quality: number, figures: Figures): void;
  readonly now: () => number;
}

const every = 2_000;
/** Every so many looks the others are told. */
const tellEvery = 3;

export function createQuality(options: QualityOptions): Quality & { start(): void; stop(): void } {
  const figures = signal<Figures | null>(null);
  const measured = signal<Verdict>({ kind: 'good' });
  let before: { readonly stats: PeerStats; readonly at: number } | undefined;
  let last: Verdict = { kind: 'good' };
  let looks = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  let smooth = 100;

  async function look(): Promise<void> {
    const stats = await options.stats();
    if (timer === undefined) return;
    const at = options.now();
    if (stats && before) {
      const now = figuresOf(before.stats, stats, (at - before.at) / 1000);
      figures.value = now;
      // One bad moment is no bad line.
      smooth = (smooth + score(now)) / 2;
      if (++looks % tellEvery === 0) options.tell(smooth, now);
    }
    before = stats ? { stats, at } : undefined;
    const found = judge(smooth, options.others());
    if (JSON.stringify(found) === JSON.stringify(last) && JSON.stringify(found) !== JSON.stringify(measured.peek())) measured.value = found;
    last = found;
  }

  return {
    figures,
    verdict: computed<Verdict>(() => (options.lost.value ? { kind: 'lost' } : measured.value)),
    start() {
      timer ??= setInterval(() => void look().catch(() => undefined), every);
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
