// The rooms this browser was in lately, kept in its own storage only.

export interface Recent {
  readonly room: string;
  readonly at: number;
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

export function remember(storage: Storage, room: string, at: number): void {
  write(storage, [{ room, at }, ...recentRooms(storage).filter((r) => r.room !== room)].slice(0, most));
}

export function forget(storage: Storage, room: string): void {
  write(
    storage,
    recentRooms(storage).filter((r) => r.room !== room),
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
  return typeof value === 'object' && value !== null && 'room' in value && typeof value.room === 'string' && 'at' in value && typeof value.at === 'number';
}
