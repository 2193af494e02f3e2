// Where the person is: the path is the room, the query is kept for clients that put tokens there.

import { signal } from '@preact/signals';

function roomOf(path: string): string {
  try {
    return decodeURIComponent(path.replace(/^\//, ''));
  } catch {
    return path.replace(/^\//, ''); // a lone % typed by hand: the name as it stands
  }
}

const here = signal(roomOf(location.pathname));
addEventListener('popstate', () => {
  here.value = roomOf(location.pathname);
});

/** The room in the address bar, '' on the start page. */
export const room = here;

export function pathOf(name: string): string {
  return `/${encodeURIComponent(name)}`;
}

export function go(name: string): void {
  history.pushState(null, '', name === '' ? '/' : pathOf(name));
  here.value = name;
}

/** The address to give to others. */
export function invitation(name: string): string {
  return location.origin + pathOf(name);
}
