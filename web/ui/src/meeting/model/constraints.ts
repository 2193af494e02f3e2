// What we ask the bridge to send, from what the view shows. Pure.

import type { VideoConstraints } from '../../xmpp/colibri.ts';
import { caps, type PictureQuality } from './pictureQuality.ts';
import type { Shown } from './types.ts';

/** Heights that cameras send; a picture is asked for in the smallest that fills its place. */
const steps = [180, 360, 720, 1080, 2160];

export function stepFor(height: number): number {
  // A tile a little higher than a step is better served by the smaller picture than by four times
  // the data.
  return steps.find((s) => height <= s * 1.25) ?? 2160;
}

/**
 * The constraints for what is shown; sourceOf names the source behind a picture, '' for none. Before
 * the view said anything, everybody is asked for small.
 */
export function constraintsFor(
  shown: readonly Shown[] | null,
  sourceOf: (s: Shown) => string,
  lastN: number,
  quality: PictureQuality = 'high',
): VideoConstraints {
  if (!shown) return { lastN, defaultConstraints: { maxHeight: Math.min(180, caps[quality].tile) }, constraints: {}, onStageSources: [], selectedSources: [] };
  const constraints: Record<string, { maxHeight: number }> = {};
  const onStageSources: string[] = [];
  for (const s of shown) {
    const source = sourceOf(s);
    if (source === '') continue;
    const cap = s.picture === 'screen' ? 2160 : caps[quality][s.stage ? 'stage' : 'tile'];
    if (cap === 0) continue;
    const maxHeight = Math.max(Math.min(stepFor(s.height), cap), constraints[source]?.maxHeight ?? 0);
    constraints[source] = { maxHeight };
    if (s.stage && !onStageSources.includes(source)) onStageSources.push(source);
  }
  return { lastN, defaultConstraints: { maxHeight: 0 }, constraints, onStageSources, selectedSources: [] };
}
