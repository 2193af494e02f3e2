// Why the connection broke, as far as a page can find out: whether the device has a network, and
// whether the box answers.

import type { Interruption } from './types.ts';

export interface CauseOptions {
  /** An address of the box that answers fast. */
  readonly url: string;
  readonly fetch: typeof fetch;
  /** What the browser thinks of the network. */
  readonly online: () => boolean;
  /** Picture and sound go on, so the way to the box is there. */
  readonly flowing: () => boolean;
}

const patience = 2_000;

export async function causeOf({ url, fetch, online, flowing }: CauseOptions): Promise<Interruption> {
  if (!online()) return 'network';
  if (flowing()) return 'server';
  try {
    await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(patience) });
    return 'server';
  } catch {
    return 'box';
  }
}
