// What an administrator should look at, the worst first.

import type { Health, Setup } from '../api.ts';
import type { Certificates, Diagnostics, Update } from './kinds.ts';

export type Attention =
  | { readonly kind: 'service'; readonly bad: true; readonly page: 'diagnostics'; readonly name: string; readonly detail: string }
  | { readonly kind: 'expired' | 'expires'; readonly bad: boolean; readonly page: 'certificates'; readonly at: string }
  | { readonly kind: 'clock'; readonly bad: boolean; readonly page: 'clock' }
  | { readonly kind: 'update-failed'; readonly bad: true; readonly page: 'update'; readonly detail: string }
  | { readonly kind: 'trial'; readonly bad: false; readonly page: 'update' }
  | { readonly kind: 'check'; readonly bad: boolean; readonly page: 'diagnostics'; readonly name: string; readonly detail: string };

const day = 86_400_000;
/** Enough time to buy a certificate, too little to forget it again. */
const soon = 14 * day;
/** More than this between the box and a browser, and certificates or logs are misleading. */
const skewLimit = 2 * 60_000;

export interface Known {
  readonly health: Health | null;
  readonly certificates: Certificates | null;
  readonly update: Update | null;
  readonly diagnostics: Diagnostics | null;
  readonly setup: Setup | null;
  readonly skew: number;
}

export function attention(box: Known, now: number): readonly Attention[] {
  const found: Attention[] = [];
  for (const s of box.health?.services ?? []) {
    if (!s.ok) found.push({ kind: 'service', bad: true, page: 'diagnostics', name: s.name, detail: s.detail });
  }
  const until = box.certificates ? Date.parse(box.certificates.web.not_after) : Infinity;
  if (until <= now) found.push({ kind: 'expired', bad: true, page: 'certificates', at: new Date(until).toISOString() });
  else if (until - now < soon) found.push({ kind: 'expires', bad: false, page: 'certificates', at: new Date(until).toISOString() });
  if (Math.abs(box.skew) > skewLimit) found.push({ kind: 'clock', bad: Math.abs(box.skew) > day, page: 'clock' });
  if (box.update?.phase === 'trial') found.push({ kind: 'trial', bad: false, page: 'update' });
  if (box.update?.last && !box.update.last.ok) found.push({ kind: 'update-failed', bad: true, page: 'update', detail: box.update.last.reason });
  return found.toSorted((a, b) => Number(b.bad) - Number(a.bad));
}
