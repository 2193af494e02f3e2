// A logo as the box takes it: PNG in base64, no larger than it is shown on a sharp screen.

import { base64 } from './file.ts';

const most = { width: 480, height: 160, bytes: 64 << 10 };
/** What browsers read as pictures and nothing else: an SVG can carry scripts. */
export const pictureKinds = ['image/png', 'image/jpeg', 'image/webp'];

/** How large a picture of that size is kept, no dimension below 1. */
export function fit(width: number, height: number, share = 1): { readonly width: number; readonly height: number } {
  const scale = Math.min(1, most.width / width, most.height / height) * share;
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

async function drawn(picture: ImageBitmap, share: number): Promise<Blob> {
  const { width, height } = fit(picture.width, picture.height, share);
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('drawing a logo: no canvas');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(picture, 0, 0, width, height);
  return await canvas.convertToBlob({ type: 'image/png' });
}

/** Throws when the file is no picture. */
export async function logoOf(file: File): Promise<string> {
  if (!pictureKinds.includes(file.type)) throw new TypeError(`a logo: ${file.type} is no picture`);
  const picture = await createImageBitmap(file);
  try {
    // A photograph becomes a large PNG: it is kept smaller then.
    for (const share of [1, 0.7, 0.5, 0.35]) {
      const png = await drawn(picture, share);
      if (png.size <= most.bytes) return await base64(png);
    }
  } finally {
    picture.close();
  }
  throw new TypeError('a logo: too large');
}
