// What a camera sends per layer, and which layers are worth sending. Pure.

/** Divisors of the captured height, smallest picture first. */
export const scales = [4, 2, 1] as const;

/** Bits per second for a picture of that height (VP8; other codecs need less and take less). */
export function bitrateFor(height: number): number {
  if (height <= 270) return 200_000;
  if (height <= 540) return 500_000;
  if (height <= 810) return 1_500_000;
  return 3_000_000;
}

/** The most a shared screen may take; text needs few bits, a film takes what it gets. */
export const screenBitrate = 2_500_000;

export interface Encoding {
  readonly active: boolean;
  readonly maxBitrate: number;
  readonly scaleResolutionDownBy: number;
}

/** Width and height of what a camera delivers, as the browser says. */
export interface Captured {
  readonly width: number;
  readonly height: number;
}

/**
 * COMPAT(chromium, safari): of a small picture they send fewer layers than were agreed, the first ones
 * of the list (libwebrtc, LimitSimulcastLayerCount): two under some 960×540, one under some 480×270.
 */
export function layersSent({ width, height }: Captured, layers: number): number {
  const pixels = width * height;
  return Math.min(layers, pixels > 489_600 ? 3 : pixels > 122_400 ? 2 : 1);
}

/**
 * The encodings of a camera that captures so much, when nobody needs more than maxHeight lines (-1: no
 * limit, 0: nobody watches). Of `layers` encodings that there are the browser sends the first `sent`: the
 * last of those has every line. Layers above maxHeight rest; the smallest stays as long as anybody
 * watches. Lines are those of the smaller side, also of a phone held upright, as the bridge counts them.
 */
export function encodingsFor(captured: Captured, layers: number, maxHeight: number, sent = layers): Encoding[] {
  const height = Math.min(captured.width, captured.height);
  if (layers === 1) {
    const wanted = maxHeight < 0 ? height : maxHeight;
    const scale = wanted > 0 && wanted < height ? height / wanted : 1;
    return [{ active: maxHeight !== 0, maxBitrate: bitrateFor(height / scale), scaleResolutionDownBy: scale }];
  }
  const used = scales.slice(-sent);
  return Array.from({ length: layers }, (_, i) => {
    const scale = used[i] ?? 1;
    const own = height / scale;
    return {
      active: i < sent && (maxHeight < 0 || (maxHeight > 0 && (i === 0 || own <= maxHeight))),
      maxBitrate: bitrateFor(own),
      scaleResolutionDownBy: scale,
    };
  });
}
