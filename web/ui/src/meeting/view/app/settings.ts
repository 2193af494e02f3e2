// What a person chose, kept in this browser.

import { effect, type Signal, signal } from '@preact/signals';

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is blocked: what is chosen lasts as long as the page
  }
}

function kept(key: string, initial: string): Signal<string> {
  const value = signal(stored(key) ?? initial);
  effect(() => {
    try {
      localStorage.setItem(key, value.value);
    } catch {
      // see stored()
    }
  });
  return value;
}

function keptSwitch(key: string, initial: boolean): Signal<boolean> {
  const text = kept(key, initial ? 'on' : 'off');
  const value = signal(text.peek() === 'on');
  effect(() => {
    text.value = value.value ? 'on' : 'off';
  });
  return value;
}

/** The name the person gave last. */
export const name = kept('meetbox.name', '');

/** The language the person chose, '' for the browser's. */
export const language = kept('meetbox.language', '');

/** The one who speaks big, instead of all in one size. */
export const speakerView = keptSwitch('meetbox.speaker-view', false);

/** The small pictures beside a big one. */
export const strip = keptSwitch('meetbox.strip', true);

/** Our own picture beside those of the others. */
export const selfView = keptSwitch('meetbox.self-view', true);

/** Our own picture as in a mirror; the others see it the right way round anyway. */
export const mirror = keptSwitch('meetbox.mirror', true);

/** Single keys do things in the meeting. */
export const shortcuts = keptSwitch('meetbox.shortcuts', true);

/** Other keys than ours for it, see room/keymap.ts. */
export const keymap = kept('meetbox.keys', '{}');

/** A soft sound with each reaction. */
export const reactionSound = keptSwitch('meetbox.reaction-sound', false);
