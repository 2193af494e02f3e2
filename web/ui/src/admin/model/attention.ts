// What an administrator should look at, the most urgent first.

import type { Attention, Overview } from '../api.ts';

/** More than this between the box and a browser, and certificates or logs are misleading. */
const skewLimit = 2 * 60_000;

/** What the box says, and what only a browser can see: that the two clocks do not agree. */
export function attention(overview: Overview, skew: number): readonly Attention[] {
  if (Math.abs(skew) <= skewLimit || overview.attention.some((a) => a.code === 'clock')) return overview.attention;
  return [...overview.attention, { code: 'skew', text: '', page: 'clock' }];
}

/** Bytes in a second, between two answers. */
export function rate(before: { readonly at: number; readonly bytes: number } | null, now: { readonly at: number; readonly bytes: number }): number | null {
  if (!before || now.at <= before.at || now.bytes < before.bytes) return null;
  return ((now.bytes - before.bytes) * 1000) / (now.at - before.at);
}
