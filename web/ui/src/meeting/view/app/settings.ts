import { effect, signal } from '@preact/signals';

const key = 'meetbox.name';

function stored(): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return ''; // storage is blocked: the name is asked for each time
  }
}

/** The name the person gave last, kept in this browser. */
export const name = signal(stored());

effect(() => {
  try {
    localStorage.setItem(key, name.value);
  } catch {
    // see stored()
  }
});
