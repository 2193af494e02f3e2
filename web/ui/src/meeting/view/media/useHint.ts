import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { createHints, type Hint } from '../../model/hints.ts';
import type { LocalMedia } from '../../model/types.ts';

/** What the microphone's loudness tells now. */
export function useHint(media: LocalMedia): ReadonlySignal<Hint | null> {
  const hint = useSignal<Hint | null>(null);
  useEffect(() => {
    const hints = createHints();
    const timer = setInterval(() => {
      hint.value = hints.hear(media.heard.peek(), media.microphone.state.peek() !== 'on', performance.now());
    }, 100);
    return () => clearInterval(timer);
  }, [media, hint]);
  return hint;
}
