// Where the person is: the path is the room, with a tenant before it where the box holds meetings of
// several apart. The query is kept for clients that put tokens there.

import { signal } from '@preact/signals';

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone % typed by hand: the name as it stands
  }
}

/** What a path names: the last part is the room, the one before it the tenant. Both are '' where there is none. */
export function placeOf(path: string): { readonly tenant: string; readonly room: string } {
  const parts = path.replace(/^\//, '').split('/').map(decoded);
  return { tenant: parts.at(-2) ?? '', room: parts.at(-1) ?? '' };
}

const { tenant, room: first } = placeOf(location.pathname);

/** The tenant of this page, '' without one. Its settings are that one's, so another one is another page. */
export { tenant };

const here = signal(first);
addEventListener('popstate', () => {
  const place = placeOf(location.pathname);
  if (place.tenant === tenant) here.value = place.room;
  else location.reload();
});

/** The room in the address bar, '' on the start page. */
export const room = here;

export function pathOf(name: string, below = tenant): string {
  return `${below === '' ? '' : `/${encodeURIComponent(below)}`}/${encodeURIComponent(name)}`;
}

/** Goes to a room, or with '' to the start page, which is the same for all tenants. */
export function go(name: string, below = ''): void {
  const path = name === '' ? '/' : pathOf(name, below);
  if (below !== tenant) {
    location.assign(path);
    return;
  }
  history.pushState(null, '', path);
  here.value = name;
}

/** The address to give to others. */
export function invitation(name: string): string {
  return location.origin + pathOf(name);
}
