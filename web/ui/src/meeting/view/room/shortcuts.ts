import { useEffect } from 'preact/hooks';
import type { Meeting } from '../../model/types.ts';
import { shortcuts } from '../app/settings.ts';

// Where keys mean something else.
const busy = 'input, textarea, select, [contenteditable], dialog, [role="menu"]';

/**
 * Single-key shortcuts while the meeting is open. They never fire while somebody types, holds
 * another key, or a dialog is open.
 */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!shortcuts.peek() || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target instanceof Element && event.target.closest(busy)) return;
      const action = actions[event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault(); // else C opens the chat and is its first letter
      action();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [actions]);
}

/** Who is muted speaks as long as the space bar is held. On a button it presses that, as everywhere. */
export function usePushToTalk(meeting: Meeting): void {
  useEffect(() => {
    let talking = false;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== ' ' || !shortcuts.peek() || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof Element && event.target.closest(`${busy}, button, a`)) return;
      event.preventDefault();
      if (event.repeat || talking || !meeting.me.audioMuted.peek()) return;
      talking = true;
      void meeting.setMicrophone(true);
    };
    const stop = () => {
      if (!talking) return;
      talking = false;
      void meeting.setMicrophone(false);
    };
    const onKeyUp = (event: KeyboardEvent) => {
      if (event.key === ' ') stop();
    };
    document.addEventListener('keydown', onKeyDown);
    document.addEventListener('keyup', onKeyUp);
    // The key may be let go in another window.
    addEventListener('blur', stop);
    return () => {
      stop();
      document.removeEventListener('keydown', onKeyDown);
      document.removeEventListener('keyup', onKeyUp);
      removeEventListener('blur', stop);
    };
  }, [meeting]);
}
