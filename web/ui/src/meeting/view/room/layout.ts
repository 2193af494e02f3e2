// Where every picture goes, in pixels: the model decides what is shown big and what beside it, this
// is the drawing of it. Pure functions of who is there and how much room there is. People keep their
// order, so nobody jumps when somebody speaks.

import { fitGrid, layoutOf, pageOf, pageSize, type Tile as Picture } from '../../model/layout.ts';

/** Stands for the whiteboard among those who share a screen. */
export const boardTile = 'whiteboard';

export interface Box {
  /** From where lines begin. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The style of what stands in a box; where one reads to the left, boxes count from the right. */
export function placed(box: Box): { readonly translate: string; readonly inlineSize: string; readonly blockSize: string } {
  return { translate: `calc(${box.left}px * var(--forward)) ${box.top}px`, inlineSize: `${box.width}px`, blockSize: `${box.height}px` };
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Place extends Picture {
  readonly box: Box;
  /** On the stage, in the grid, in the strip beside the stage, or small in a corner. */
  readonly role: 'stage' | 'grid' | 'strip' | 'corner';
}

export interface Places {
  readonly tiles: readonly Place[];
  readonly page: number;
  readonly pages: number;
}

export interface Scene {
  readonly me: string;
  /** Everybody, me included, in the order of joining. */
  readonly people: readonly string[];
  /** Who shares a screen, the newest last. */
  readonly sharing: readonly string[];
  readonly size: Size;
  readonly page: number;
  /** What the person wants big; null for nothing. */
  readonly pinned?: Picture | null;
  /** The one who speaks is big, the others are small. */
  readonly speakerView?: boolean;
  /** Who among the others spoke last. */
  readonly speaker?: string | null;
  /** No small pictures beside a big one. */
  readonly bare?: boolean;
  /** Our own picture is not shown, as long as there are others to see. */
  readonly hideMe?: boolean;
}

const gap = 10;
const narrow = 640;
const smallest = { width: 168, height: 118 };
const most = 25;
// Pictures may be cropped to the old screens' shape, on an upright phone to a portrait's.
const narrowest = { lying: 4 / 3, upright: 3 / 4 };

export function placesOf({ me, people: all, sharing, size, page, pinned = null, speakerView = false, speaker = null, bare = false, hideMe = false }: Scene): Places {
  if (size.width <= 0 || size.height <= 0) return { tiles: [], page: 0, pages: 1 };
  const others = all.filter((id) => id !== me);
  const hidden = hideMe && others.length > 0 && pinned?.participant !== me;
  // Where there is room for one picture (a page at 400 %), it is not our own.
  const people = hidden ? others : gridSize(size) === 1 && others.length < all.length ? [...others, me] : all;
  const layout = layoutOf({ order: people, sharing, pinned, speakerView, dominant: speaker, me });
  if (layout.kind === 'stage') return bare ? alone(layout.stage, size) : stage(layout.stage, layout.strip, size, page);
  const [other] = others;
  const upright = size.height > size.width;
  if (people.length === 2 && sharing.length === 0 && other !== undefined && upright && size.width < narrow) return duo(size, me, other);
  return grid(layout.tiles, size, page);
}

/** Two on an upright phone: the other one fills it, we are in the corner. */
function duo(size: Size, me: string, other: string): Places {
  const width = Math.round(size.width * 0.3);
  const height = Math.round(width * 1.4);
  const corner = { left: size.width - width - gap, top: size.height - height - gap, width, height };
  return {
    page: 0,
    pages: 1,
    tiles: [
      { participant: other, picture: 'camera', role: 'grid', box: { left: 0, top: 0, ...size } },
      { participant: me, picture: 'camera', role: 'corner', box: corner },
    ],
  };
}

/** How many pictures a page of the grid takes at most. */
export function gridSize(size: Size): number {
  return pageSize(size, smallest, most, gap);
}

/** One picture and nothing else. */
function alone(big: Picture, size: Size): Places {
  return { page: 0, pages: 1, tiles: [{ ...big, role: 'stage', box: { left: 0, top: 0, ...size } }] };
}

/** One picture big, the others in a strip: beside it on a lying screen, below it on an upright one. */
function stage(big: Picture, strip: readonly Picture[], size: Size, wanted: number): Places {
  const beside = size.width >= narrow && size.width > size.height;
  const thick = Math.round(beside ? clamp(size.width * 0.2, 150, 260) : clamp(size.height * 0.18, 88, 150));
  const each = Math.round(beside ? (thick * 9) / 16 : thick * 1.15);
  const length = beside ? size.height : size.width;
  const { items, page, pages } = pageOf(strip, wanted, Math.floor((length + gap) / (each + gap)));
  const start = Math.max(0, Math.round((length - (items.length * (each + gap) - gap)) / 2));
  const small = items.map((tile, i): Place => {
    const at = start + i * (each + gap);
    const box = beside
      ? { left: size.width - thick, top: at, width: thick, height: each }
      : { left: at, top: size.height - thick, width: each, height: thick };
    return { ...tile, role: 'strip', box };
  });
  const rest = beside ? { width: size.width - thick - gap, height: size.height } : { width: size.width, height: size.height - thick - gap };
  return { page, pages, tiles: [{ ...big, role: 'stage', box: { left: 0, top: 0, ...rest } }, ...small] };
}

/** All of one size, as large as they fit, the last row centred. */
function grid(tiles: readonly Picture[], size: Size, wanted: number): Places {
  const { items, page, pages } = pageOf(tiles, wanted, gridSize(size));
  const { columns, rows, tile } = fitGrid(items.length, size, gap, size.width > size.height ? narrowest.lying : narrowest.upright);
  const top = Math.round((size.height - rows * tile.height - (rows - 1) * gap) / 2);
  const places = items.map((item, i): Place => {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? items.length - row * columns : columns;
    const left = Math.round((size.width - inRow * tile.width - (inRow - 1) * gap) / 2);
    const box = { left: left + (i % columns) * (tile.width + gap), top: top + row * (tile.height + gap), ...tile };
    return { ...item, role: 'grid', box };
  });
  return { page, pages, tiles: places };
}

function clamp(value: number, least: number, greatest: number): number {
  return Math.min(Math.max(value, least), greatest);
}
