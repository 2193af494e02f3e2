import { signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';

export type Lazy<P extends object> = FunctionComponent<P> & {
  /** Loads it before it is shown. */
  preload(): void;
};

/** Between two attempts, as while the box restarts. */
const pause = 1000;

/** A part of the page that is loaded when it is shown for the first time. Until then it is empty. */
export function lazy<P extends object>(load: () => Promise<FunctionComponent<P>>): Lazy<P> {
  const loaded = signal<FunctionComponent<P> | null>(null);
  let loading = false;
  let wanted = 0;
  function preload(): void {
    if (loading || loaded.peek()) return;
    loading = true;
    load().then(
      (part) => {
        loaded.value = part;
      },
      () => {
        loading = false;
        if (wanted > 0) setTimeout(preload, pause);
      },
    );
  }
  function Lazy(props: P) {
    useEffect(() => {
      wanted += 1;
      preload();
      return () => {
        wanted -= 1;
      };
    }, []);
    const Part = loaded.value;
    return Part ? <Part {...props} /> : null;
  }
  return Object.assign(Lazy, { preload });
}
