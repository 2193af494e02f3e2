// What is loaded when the meeting has begun.

import { signal, type ReadonlySignal } from '@preact/signals-core';

export interface Later<T> {
  /** null until it is there. */
  readonly together: ReadonlySignal<T | null>;
  /** Fetches it, once; what does not come is asked for again. */
  load(): void;
}

/** Between two attempts: the box was just replaced by a newer one, or the network is away. */
const pause = 3_000;

export function loadLater<T>(fetch: () => Promise<T>): Later<T> {
  const together = signal<T | null>(null);
  let loading = false;

  function attempt(): void {
    fetch().then(
      (it) => {
        together.value = it;
      },
      () => void setTimeout(attempt, pause),
    );
  }

  return {
    together,
    load() {
      if (loading) return;
      loading = true;
      attempt();
    },
  };
}
