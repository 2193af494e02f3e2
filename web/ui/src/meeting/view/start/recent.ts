// The rooms this browser was in lately, kept in its own storage only.

export interface Recent {
  readonly room: string;
  /** Whose room it is; not there for one of the box itself. */
  readonly tenant?: string;
  readonly at: number;
}

type Named = Pick<Recent, 'room' | 'tenant'>;

const same = (a: Named, b: Named) => a.room === b.room && (a.tenant ?? '') === (b.tenant ?? '');

/** A room as people see it in its address. */
export function titleOf({ room, tenant = '' }: Named): string {
  return tenant === '' ? room : `${tenant}/${room}`;
}

const key = 'meetbox.recent';
const most = 6;

export function recentRooms(storage: Storage): readonly Recent[] {
  try {
    const list: unknown = JSON.parse(storage.getItem(key) ?? '[]');
    return Array.isArray(list) ? list.filter(isRecent).slice(0, most) : [];
  } catch {
    return []; // blocked or damaged storage: no list is not worth an error
  }
}

export function remember(storage: Storage, { room, tenant = '' }: Named, at: number): void {
  const entry = tenant === '' ? { room, at } : { room, tenant, at };
  write(storage, [entry, ...recentRooms(storage).filter((r) => !same(r, entry))].slice(0, most));
}

export function forget(storage: Storage, room: Named): void {
  write(
    storage,
    recentRooms(storage).filter((r) => !same(r, room)),
  );
}

function write(storage: Storage, list: readonly Recent[]): void {
  try {
    storage.setItem(key, JSON.stringify(list));
  } catch {
    // Private windows may refuse to store; the list is a convenience.
  }
}

function isRecent(value: unknown): value is Recent {
  if (typeof value !== 'object' || value === null || ('tenant' in value && typeof value.tenant !== 'string')) return false;
  return 'room' in value && typeof value.room === 'string' && 'at' in value && typeof value.at === 'number';
}
