// Which page is open. It is in the address after the #, so that every page can be linked to and the box
// serves one file for all of them.

import { signal } from '@preact/signals';

const read = () => location.hash.replace(/^#\/?/, '');

const here = signal(read());
addEventListener('hashchange', () => {
  here.value = read();
});

/** The name of the open page, '' for the overview. */
export const page = here;

export function hrefOf(name: string): string {
  return `#/${name}`;
}

export function go(name: string): void {
  location.hash = hrefOf(name);
}
