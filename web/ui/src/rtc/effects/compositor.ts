// Person over background, on canvases.

export interface CompositorOptions {
  /** Size of the picture in which the person is looked for, in pixels. */
  readonly seen: { readonly width: number; readonly height: number };
  readonly blur: boolean;
  readonly picture: ImageBitmap | null;
  /** Calls take with how much each pixel belongs to the person, 0 to 1; time in ms grows from call to call. */
  find(picture: OffscreenCanvas, time: number, take: (mask: Float32Array) => void): void;
}

export interface Compositor {
  draw(frame: VideoFrame | ImageBitmap, out: OffscreenCanvas, time: number): void;
}

/**
 * The mask that is shown: the network's, with doubt decided and the one before still in it, so that
 * edges do not flicker. `shown` is changed; alpha (0 to 255) goes into every fourth byte of `pixels`.
 */
export function blend(shown: Float32Array, found: Float32Array, pixels: Uint8ClampedArray): void {
  for (let i = 0; i < shown.length; i++) {
    const sure = Math.min(1, Math.max(0, ((found[i] ?? 0) - 0.25) / 0.5));
    const now = (shown[i] ?? 0) * 0.35 + sure * 0.65;
    shown[i] = now;
    pixels[4 * i + 3] = now * 255;
  }
}

/** Where to draw a picture of that size so that it covers the place, in the middle. */
export function cover(picture: { width: number; height: number }, place: { width: number; height: number }): readonly [number, number, number, number] {
  const scale = Math.max(place.width / picture.width, place.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return [(place.width - width) / 2, (place.height - height) / 2, width, height];
}

function context(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const got = canvas.getContext('2d');
  if (!got) throw new Error('no 2d context');
  return got;
}

/**
 * Draws the picture so small that a pixel stands for `radius` of its pixels, in halves, each of which
 * mixes four: what is enlarged again afterwards is blurred.
 * COMPAT(safari): its canvases have no filter, and setting one does nothing without saying so.
 */
function dwindle(from: OffscreenCanvas, radius: number): OffscreenCanvas {
  let picture = from;
  for (let left = radius; left >= 2 && picture.width > 2 && picture.height > 2; left /= 2) {
    const half = new OffscreenCanvas(Math.ceil(picture.width / 2), Math.ceil(picture.height / 2));
    context(half).drawImage(picture, 0, 0, half.width, half.height);
    picture = half;
  }
  return picture;
}

/** The blurred picture is this much smaller, which blurs by itself and costs little. */
const shrink = 6;

export function createCompositor(options: CompositorOptions): Compositor {
  const { width, height } = options.seen;
  const look = new OffscreenCanvas(width, height);
  const mask = new OffscreenCanvas(width, height);
  const pixels = new ImageData(width, height);
  const shown = new Float32Array(width * height);
  const small = new OffscreenCanvas(2, 2);
  const lookAt = context(look);
  const maskAt = context(mask);
  const smallAt = context(small);

  return {
    draw(frame, out, time) {
      const size = 'displayWidth' in frame ? { width: frame.displayWidth, height: frame.displayHeight } : { width: frame.width, height: frame.height };
      if (out.width !== size.width || out.height !== size.height) Object.assign(out, size);
      lookAt.drawImage(frame, 0, 0, width, height);
      options.find(look, time, (found) => blend(shown, found, pixels.data));
      maskAt.putImageData(pixels, 0, 0);

      const c = context(out);
      c.globalCompositeOperation = 'copy';
      c.filter = `blur(${Math.max(1, size.height / 180)}px)`;
      c.drawImage(mask, 0, 0, size.width, size.height);
      c.filter = 'none';
      c.globalCompositeOperation = 'source-in';
      c.drawImage(frame, 0, 0, size.width, size.height);
      c.globalCompositeOperation = 'destination-over';
      if (options.blur || !options.picture) {
        const little = { width: Math.ceil(size.width / shrink), height: Math.ceil(size.height / shrink) };
        if (small.width !== little.width || small.height !== little.height) Object.assign(small, little);
        smallAt.filter = `blur(${Math.max(2, little.height / 24)}px)`;
        smallAt.drawImage(frame, 0, 0, little.width, little.height);
        // Two standard deviations of that blur on either side.
        const soft = 'filter' in OffscreenCanvasRenderingContext2D.prototype ? small : dwindle(small, little.height / 12);
        // Beyond its edge a blur finds nothing: draw it a little larger, so that no edge is seen.
        const edge = size.height / 20;
        c.drawImage(soft, -edge, -edge, size.width + 2 * edge, size.height + 2 * edge);
      } else c.drawImage(options.picture, ...cover(options.picture, size));
    },
  };
}
