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

/**
 * The encodings of a camera of that captured height with `layers` layers, when nobody needs more
 * than maxHeight (-1: no limit, 0: nobody watches). Layers above it rest; the smallest stays as long
 * as anybody watches.
 */
export function encodingsFor(height: number, layers: number, maxHeight: number): Encoding[] {
  if (layers === 1) {
    const wanted = maxHeight < 0 ? height : maxHeight;
    const scale = wanted > 0 && wanted < height ? height / wanted : 1;
    return [{ active: maxHeight !== 0, maxBitrate: bitrateFor(height / scale), scaleResolutionDownBy: scale }];
  }
  return scales.slice(-layers).map((scale, i) => {
    const own = height / scale;
    return {
      active: maxHeight < 0 || (maxHeight > 0 && (i === 0 || own <= maxHeight)),
      maxBitrate: bitrateFor(own),
      scaleResolutionDownBy: scale,
    };
  });
}
