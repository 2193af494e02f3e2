// Where pictures go, as functions of numbers and lists: no DOM, no signals. A view measures its box,
// asks here, and draws.

export interface Box {
  readonly width: number;
  readonly height: number;
}

export interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly tile: Box;
}

const wide = 16 / 9;

/**
 * The grid that shows `count` tiles as big as possible in a box. Tiles may be cropped between
 * `narrowest` and 16:9, so that a phone held upright fills its screen.
 */
export function fitGrid(count: number, box: Box, gap = 8, narrowest = 1): Grid {
  let best: Grid = { columns: 1, rows: Math.max(count, 1), tile: { width: 0, height: 0 } };
  let bestArea = -1;
  for (let columns = 1; columns <= Math.max(count, 1); columns++) {
    const rows = Math.ceil(Math.max(count, 1) / columns);
    const room = { width: (box.width - gap * (columns - 1)) / columns, height: (box.height - gap * (rows - 1)) / rows };
    if (room.width <= 0 || room.height <= 0) continue;
    const ratio = Math.min(wide, Math.max(narrowest, room.width / room.height));
    const width = Math.min(room.width, room.height * ratio);
    const tile = { width: Math.floor(width), height: Math.floor(width / ratio) };
    const area = tile.width * tile.height;
    // Equal: fewer empty places win.
    if (area > bestArea || (area === bestArea && columns * rows < best.columns * best.rows)) {
      best = { columns, rows, tile };
      bestArea = area;
    }
  }
  return best;
}

/** How many tiles a page may hold so that none is smaller than `smallest`. */
export function pageSize(box: Box, smallest: Box = { width: 160, height: 90 }, most = 49, gap = 8): number {
  const columns = Math.max(1, Math.floor((box.width + gap) / (smallest.width + gap)));
  const rows = Math.max(1, Math.floor((box.height + gap) / (smallest.height + gap)));
  return Math.min(most, columns * rows);
}

/** The page's part of a list; a page that is not there any more shows the last one. */
export function pageOf<T>(items: readonly T[], page: number, size: number): { readonly items: readonly T[]; readonly page: number; readonly pages: number } {
  const pages = Math.max(1, Math.ceil(items.length / Math.max(1, size)));
  const shown = Math.min(Math.max(0, page), pages - 1);
  return { items: items.slice(shown * size, (shown + 1) * size), page: shown, pages };
}

/**
 * The order of tiles. Those on the first page stay where they are; somebody who spoke lately and is
 * not on it takes the place of the one there who has been silent longest. Leavers' places are
 * filled by the next in line, so that as few tiles as possible move.
 *
 * before: the order so far. ids: who is here, in the order of joining. speakers: most recent first.
 */
export function stableOrder(
  before: readonly string[],
  ids: readonly string[],
  speakers: readonly string[],
  firstPage: number,
  pinned: readonly string[] = [],
): string[] {
  const here = new Set(ids);
  // A gap on the first page is filled with the newest information, not by shifting everybody.
  const order: (string | null)[] = before.map((id) => (here.has(id) ? id : null));
  const placed = new Set(order);
  const newcomers = ids.filter((id) => !placed.has(id));
  for (let i = 0; i < order.length; i++) {
    if (order[i] === null) {
      const last = lastIndex(order);
      if (newcomers.length > 0) order[i] = newcomers.shift() ?? null;
      else if (last > i) {
        order[i] = order[last] ?? null;
        order[last] = null;
      }
    }
  }
  const out = [...order.filter((id): id is string => id !== null), ...newcomers];
  const speaking = speakers.filter((id) => here.has(id));
  const silence = (id: string) => {
    const i = speaking.indexOf(id);
    return i < 0 ? Number.POSITIVE_INFINITY : i;
  };
  for (const id of [...pinned.filter((p) => here.has(p)), ...speaking.slice(0, firstPage)]) {
    const at = out.indexOf(id);
    if (at < firstPage) continue;
    let victim = -1;
    for (let i = 0; i < Math.min(firstPage, out.length); i++) {
      const candidate = out[i] ?? '';
      if (pinned.includes(candidate) || silence(candidate) <= silence(id)) continue;
      if (victim < 0 || silence(candidate) >= silence(out[victim] ?? '')) victim = i;
    }
    if (victim < 0) continue;
    [out[victim], out[at]] = [id, out[victim] ?? ''];
  }
  return out;
}

function lastIndex(order: readonly (string | null)[]): number {
  for (let i = order.length - 1; i >= 0; i--) if (order[i] !== null) return i;
  return -1;
}

/** Something that can be put on a screen. */
export interface Tile {
  readonly participant: string;
  readonly picture: 'camera' | 'screen';
}

export type Layout =
  | { readonly kind: 'grid'; readonly tiles: readonly Tile[] }
  | { readonly kind: 'stage'; readonly stage: Tile; readonly strip: readonly Tile[] };

export interface LayoutInput {
  /** Cameras in display order. */
  readonly order: readonly string[];
  /** Who shares a screen, the newest last. */
  readonly sharing: readonly string[];
  readonly pinned: Tile | null;
  /** The person wants the speaker big. */
  readonly speakerView: boolean;
  readonly dominant: string | null;
  readonly me: string;
}

/** A shared screen or a pinned tile gets the stage; else the grid, or the speaker if that is wanted. */
export function layoutOf(input: LayoutInput): Layout {
  const screens = input.sharing.map((participant): Tile => ({ participant, picture: 'screen' }));
  const cameras = input.order.map((participant): Tile => ({ participant, picture: 'camera' }));
  const all = [...screens, ...cameras];
  const pinned = input.pinned && all.find((t) => sameTile(t, input.pinned));
  // Looking at one's own screen big is a hall of mirrors.
  const shared = screens.findLast((t) => t.participant !== input.me);
  const others = cameras.filter((t) => t.participant !== input.me);
  const speaker = input.speakerView ? (others.find((t) => t.participant === input.dominant) ?? others[0]) : undefined;
  const stage = pinned ?? shared ?? speaker;
  if (!stage) return { kind: 'grid', tiles: all };
  return { kind: 'stage', stage, strip: all.filter((t) => !sameTile(t, stage)) };
}

export function sameTile(a: Tile, b: Tile | null): boolean {
  return b !== null && a.participant === b.participant && a.picture === b.picture;
}
