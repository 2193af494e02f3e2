import { useEffect } from 'preact/hooks';
import type { Meeting } from '../../model/types.ts';
import { keymap, shortcuts } from '../app/settings.ts';
import { type Command, commandOf, keyOf, parse } from './keymap.ts';

export type Actions = Readonly<Partial<Record<Command, () => void>>>;

// Where keys mean something else.
const busy = 'input, textarea, select, [contenteditable], [role="textbox"], dialog, [role="menu"], .excalidraw';

/** The key that was pressed, '' where it means something else. */
function pressed(event: KeyboardEvent, elsewhere: string): string {
  if (!shortcuts.peek() || event.defaultPrevented) return '';
  return event.target instanceof Element && event.target.closest(elsewhere) ? '' : keyOf(event);
}

function command(key: string): Command | undefined {
  return commandOf(parse(keymap.peek()), key);
}

/**
 * Single-key shortcuts while the meeting is open. They never fire while somebody types or a dialog is
 * open. `pin` gets 0 for oneself and 1 to 9 for the others.
 */
export function useShortcuts(actions: Actions, pin: (which: number) => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.repeat) return;
      const key = pressed(event, busy);
      const wanted = command(key);
      const which = wanted === 'pin-self' ? 0 : /^[1-9]$/.test(key) ? Number(key) : undefined;
      const action = which === undefined ? wanted && actions[wanted] : () => pin(which);
      if (!action) return;
      event.preventDefault(); // else C opens the chat and is its first letter
      action();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [actions, pin]);
}

/** Who is muted speaks as long as the key is held. The space bar on a button presses that, as everywhere. */
export function usePushToTalk(meeting: Meeting): void {
  useEffect(() => {
    let talking = '';
    const onKeyDown = (event: KeyboardEvent) => {
      if (command(pressed(event, `${busy}, button, a`)) !== 'talk') return;
      event.preventDefault();
      if (event.repeat || talking !== '' || !meeting.me.audioMuted.peek()) return;
      talking = event.code;
      void meeting.setMicrophone(true);
    };
    const stop = () => {
      if (talking === '') return;
      talking = '';
      void meeting.setMicrophone(false);
    };
    const onKeyUp = (event: KeyboardEvent) => {
      if (event.code === talking) stop();
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
