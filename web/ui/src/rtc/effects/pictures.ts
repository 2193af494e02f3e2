// Backgrounds: three drawn ones, and a picture of the person's own, which stays in this browser.

import { cover } from './compositor.ts';

/** Names of the drawn ones, with their colours from top to bottom. */
export const drawn = {
  dawn: ['#f7d9c4', '#e7a9a0', '#8c7aa9'],
  forest: ['#cfe3d4', '#6ea58a', '#1f4d42'],
  slate: ['#c9d3dd', '#7f90a3', '#2b3642'],
} as const;

const key = 'meetbox.backgroundImage';
const size = { width: 1280, height: 720 };

export type Drawn = keyof typeof drawn;

function canvas(): { readonly canvas: HTMLCanvasElement; readonly c: CanvasRenderingContext2D } {
  const made = document.createElement('canvas');
  Object.assign(made, size);
  const c = made.getContext('2d');
  if (!c) throw new Error('no 2d context');
  return { canvas: made, c };
}

/** Draws one of ours: light from above, a floor, nothing that draws the eye. */
export function paint(c: CanvasRenderingContext2D, which: Drawn, width: number, height: number): void {
  const [top, middle, bottom] = drawn[which];
  const wall = c.createLinearGradient(0, 0, width * 0.25, height);
  wall.addColorStop(0, top);
  wall.addColorStop(0.62, middle);
  wall.addColorStop(1, bottom);
  c.fillStyle = wall;
  c.fillRect(0, 0, width, height);
  const light = c.createRadialGradient(width * 0.78, height * 0.1, 0, width * 0.78, height * 0.1, width * 0.7);
  light.addColorStop(0, 'rgb(255 255 255 / 55%)');
  light.addColorStop(1, 'rgb(255 255 255 / 0%)');
  c.fillStyle = light;
  c.fillRect(0, 0, width, height);
}

/** The picture for a background's name; null for those without one, such as `blur`. */
export async function pictureOf(what: string): Promise<ImageBitmap | null> {
  if (what === 'blur') return null;
  if (what in drawn) {
    const { canvas: made, c } = canvas();
    paint(c, what as Drawn, size.width, size.height);
    return createImageBitmap(made);
  }
  const own = ownPicture();
  if (!own) throw new Error('the picture is not kept here any more');
  const image = new Image();
  image.src = own;
  await image.decode();
  return createImageBitmap(image);
}

/** The person's own picture as a data URL, '' for none. */
export function ownPicture(): string {
  return localStorage.getItem(key) ?? '';
}

/** Keeps a picture, as small as it is needed. Returns the background's name; rejects what is no picture. */
export async function keepPicture(file: Blob): Promise<string> {
  const bitmap = await createImageBitmap(file);
  const { canvas: made, c } = canvas();
  c.drawImage(bitmap, ...cover(bitmap, size));
  bitmap.close();
  localStorage.setItem(key, made.toDataURL('image/jpeg', 0.82));
  // The name is another one each time, so that a new picture is a new background.
  return `own-${Date.now()}`;
}
