// When the connection breaks: the phase says so and why, as far as the page finds out, until all is
// as before.

import type { Signal } from '@preact/signals-core';

import { causeOf, type CauseOptions } from './cause.ts';
import type { Interruption, Phase } from './types.ts';

export interface Interruptions {
  /** Something is being made again; what is known of the cause last counts. */
  begin(why: Interruption): void;
  /** Looks for the cause, again and again while it lasts. */
  findCause(): Promise<void>;
  /** Back to normal, unless media is still being repaired. */
  settle(): void;
  stop(): void;
}

interface InterruptionsOptions extends Omit<CauseOptions, 'flowing'> {
  readonly phase: Signal<Phase>;
  /** How picture and sound do. */
  readonly media: () => string;
}

/** Between two looks (ms): a phone comes back to its network before the box is back. */
const again = 2_000;

export function createInterruptions({ phase, media, ...cause }: InterruptionsOptions): Interruptions {
  let timer: ReturnType<typeof setTimeout> | undefined;

  function begin(why: Interruption): void {
    const now = phase.peek();
    if (now.at === 'reconnecting') {
      if (now.why !== why) phase.value = { ...now, why };
    } else if (now.at === 'joined') phase.value = { at: 'reconnecting', why, since: Date.now() };
  }

  async function findCause(): Promise<void> {
    const why = await causeOf({ ...cause, flowing: () => media() === 'connected' });
    const now = phase.peek();
    if (now.at !== 'reconnecting' || now.why === 'media' || now.why === 'moving') return;
    begin(why);
    timer = setTimeout(() => void findCause(), again);
  }

  return {
    begin,
    findCause,
    settle() {
      if (phase.peek().at !== 'reconnecting') return;
      if (media() === 'interrupted') begin('media');
      else phase.value = { at: 'joined' };
    },
    stop: () => clearTimeout(timer),
  };
}
