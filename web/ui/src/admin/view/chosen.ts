// What a person chose, kept in this browser.

import { signal } from '@preact/signals';

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return ''; // storage is blocked: what is chosen lasts as long as the page
  }
}

function keep(key: string, value: string): void {
  try {
    if (value === '') localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // see stored()
  }
}

/** The language, '' for the browser's. */
export const language = signal(stored('meetbox.language'));

export function chooseLanguage(tag: string): void {
  language.value = tag;
  keep('meetbox.language', tag);
}

/** The step of the setup that is open, '' when there is none. */
export const setupStep = signal(stored('meetbox.setup'));

export function goToStep(step: string): void {
  setupStep.value = step;
  keep('meetbox.setup', step);
}
