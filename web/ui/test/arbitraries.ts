// Values as they occur, for property tests.

import fc from 'fast-check';

import type { SourceSet } from '../src/xmpp/sources.ts';

const ssrc = fc.integer({ min: 1, max: 0xffffffff });
export const owner = fc.stringMatching(/^[0-9a-f]{8}$/);

/** Sets as they occur: every SSRC once, groups over SSRCs of one owner and kind. */
export const sets: fc.Arbitrary<SourceSet> = fc
  .array(fc.record({ owner, media: fc.constantFrom('audio', 'video'), layers: fc.integer({ min: 1, max: 3 }), screen: fc.boolean() }), { maxLength: 4 })
  .chain((tracks) => fc.uniqueArray(ssrc, { minLength: 24, maxLength: 24 }).map((ssrcs) => ({ tracks, ssrcs })))
  .map(({ tracks, ssrcs }) => {
    const set: { sources: SourceSet['sources'][number][]; groups: SourceSet['groups'][number][] } = { sources: [], groups: [] };
    let next = 0;
    tracks.forEach((t, i) => {
      const name = `${t.owner}-${t.media === 'audio' ? 'a' : 'v'}${i}`;
      const take = () => {
        const s = ssrcs[next++] ?? 1;
        set.sources.push({ media: t.media, ssrc: s, name, owner: t.owner, msid: `${name} track`, screen: t.media === 'video' && t.screen });
        return s;
      };
      if (t.media === 'audio') {
        take();
        return;
      }
      const primary = Array.from({ length: t.layers }, take);
      if (primary.length > 1) set.groups.push({ media: 'video', semantics: 'SIM', ssrcs: primary });
      for (const p of primary) set.groups.push({ media: 'video', semantics: 'FID', ssrcs: [p, take()] });
    });
    return set;
  });
