// Lines of a history, as a drawing needs them.

import type { History, HistoryPoint } from '../api.ts';

export type Series = 'people' | 'meetings' | 'received' | 'sent' | 'cpu' | 'temperature' | 'loss' | 'worst_loss';

export interface Drawn {
  /** One path for each stretch without a gap, in a box of width × height. */
  readonly paths: readonly string[];
  /** The value at the upper edge. */
  readonly top: number;
}

/** The next round number that is not smaller: 1, 2 or 5 of a power of ten. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value * (1 - 1e-9)) ?? value;
}

/** Draws the points between two times; where nobody looked, the line is broken. */
export function draw(points: readonly HistoryPoint[], series: Series, step: number, from: number, until: number, top: number, width: number, height: number): readonly string[] {
  const paths: string[] = [];
  let path = '';
  let last = Number.NaN;
  for (const p of points) {
    const at = Date.parse(p.at);
    if (at < from || at > until) continue;
    const x = ((at - from) / (until - from)) * width;
    const y = height - (Math.min(p[series], top) / top) * height;
    const joins = at - last <= step * 2500;
    if (!joins && path !== '') paths.push(path);
    path = joins ? `${path}L${x.toFixed(1)} ${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}`;
    last = at;
  }
  if (path !== '') paths.push(path.includes('L') ? path : `${path}h1`);
  return paths;
}

export function highest(points: readonly HistoryPoint[], series: readonly Series[]): number {
  let top = 0;
  for (const p of points) for (const s of series) top = Math.max(top, p[s]);
  return top;
}

/** What is known nearest to a time, if that is near enough. */
export function nearest(history: History, at: number): HistoryPoint | null {
  let best: HistoryPoint | null = null;
  for (const p of history.points) if (!best || Math.abs(Date.parse(p.at) - at) < Math.abs(Date.parse(best.at) - at)) best = p;
  return best && Math.abs(Date.parse(best.at) - at) <= history.step * 2000 ? best : null;
}

/** Rows for a table: the most, or the mean, of each stretch of so many seconds, the newest first. */
export function rows(history: History, seconds: number): readonly HistoryPoint[] {
  const out = new Map<number, { sum: HistoryPoint; n: number }>();
  for (const p of history.points) {
    const slot = Math.floor(Date.parse(p.at) / 1000 / seconds);
    const have = out.get(slot);
    if (!have) {
      out.set(slot, { sum: { ...p, at: new Date(slot * seconds * 1000).toISOString() }, n: 1 });
      continue;
    }
    const { sum, n } = have;
    const mean = (a: number, b: number) => a + (b - a) / (n + 1);
    have.n += 1;
    have.sum = {
      ...sum,
      people: Math.max(sum.people, p.people),
      meetings: Math.max(sum.meetings, p.meetings),
      worst_loss: Math.max(sum.worst_loss, p.worst_loss),
      temperature: Math.max(sum.temperature, p.temperature),
      received: mean(sum.received, p.received),
      sent: mean(sum.sent, p.sent),
      cpu: mean(sum.cpu, p.cpu),
      memory: mean(sum.memory, p.memory),
      loss: mean(sum.loss, p.loss),
    };
  }
  return [...out.values()].map((v) => v.sum).toReversed();
}
