// Where pictures are in a recording. Pure.

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const gap = 12;

/**
 * A place for each picture, of which some are screens: those large, people in a column beside them;
 * without screens all in a grid.
 */
export function places(screens: readonly boolean[], size: { readonly width: number; readonly height: number }): Box[] {
  const whole = { left: gap, top: gap, width: size.width - 2 * gap, height: size.height - 2 * gap };
  const large = screens.filter(Boolean).length;
  const people = screens.length - large;
  if (large === 0) return grid(people, whole, 16 / 9);
  const column = people === 0 ? 0 : Math.round(size.width * 0.2);
  const stage = grid(large, { ...whole, width: whole.width - (column === 0 ? 0 : column + gap) }, 16 / 9);
  const beside = grid(people, { ...whole, left: whole.left + whole.width - column, width: column }, 16 / 9);
  return screens.map((screen) => (screen ? stage : beside).shift() ?? whole);
}

/** Equal boxes of about that shape, as large as they go. */
function grid(n: number, area: Box, shape: number): Box[] {
  if (n === 0) return [];
  let best = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const width = Math.min((area.width - gap * (columns - 1)) / columns, ((area.height - gap * (rows - 1)) / rows) * shape);
    if (width > best.width) best = { columns, width, height: width / shape };
  }
  const { columns, width, height } = best;
  const rows = Math.ceil(n / columns);
  const top = area.top + (area.height - rows * height - (rows - 1) * gap) / 2;
  return Array.from({ length: n }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = Math.min(columns, n - row * columns);
    const left = area.left + (area.width - inRow * width - (inRow - 1) * gap) / 2;
    return { left: left + (i % columns) * (width + gap), top: top + row * (height + gap), width, height };
  });
}

/** Where to draw a picture so that it fills a place, or so that all of it is seen. */
export function fitted(picture: { readonly width: number; readonly height: number }, box: Box, whole: boolean): Box {
  const scales = [box.width / picture.width, box.height / picture.height];
  const scale = whole ? Math.min(...scales) : Math.max(...scales);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
}
