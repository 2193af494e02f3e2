import fc from 'fast-check';
import { expect, test } from 'vitest';

import { owner, sets } from '../../test/arbitraries.ts';
import { addSources, ownerOf, parseCompact, parseXmlSources, printCompact, printXmlSources, removeSources, type SourceSet } from './sources.ts';
import { el } from './xml.ts';
import { ns } from './ns.ts';

function sorted(set: SourceSet): SourceSet {
  return {
    sources: set.sources.toSorted((a, b) => a.ssrc - b.ssrc),
    groups: set.groups.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
  };
}

test('compact JSON reads back the same', () => {
  fc.assert(
    fc.property(sets, (set) => {
      expect(sorted(parseCompact(printCompact(set)))).toEqual(sorted(set));
    }),
  );
});

test('the XML form reads back the same', () => {
  fc.assert(
    fc.property(sets, (set) => {
      for (const media of ['audio', 'video'] as const) {
        const content = el('content', ns.jingle, {}, el('description', ns.rtp, { media }, ...printXmlSources(media, set)));
        expect(parseXmlSources(media, content)).toEqual({
          sources: set.sources.filter((s) => s.media === media),
          groups: set.groups.filter((g) => g.media === media),
        });
      }
    }),
  );
});

test('any JSON is read without an exception', () => {
  fc.assert(fc.property(fc.jsonValue(), (json) => void parseCompact({ sources: json })));
  fc.assert(fc.property(fc.dictionary(owner, fc.array(fc.array(fc.jsonValue()))), (json) => void parseCompact({ sources: json })));
});

test('the form of the contract', () => {
  expect(
    parseCompact({
      sources: {
        jvb: [[{ s: 9, n: 'jvb-v0', m: 'mixedmslabel mixedlabelvideo0' }], [], [{ s: 8, n: 'jvb-a0', m: 'mixedmslabel mixedlabelaudio0' }]],
        b: [[{ s: 1, n: 'b-v0', m: 'x y', v: 'd' }, { s: 2, n: 'b-v0', m: 'x y' }], [['f', 1, 2]]],
      },
    }),
  ).toEqual({
    sources: [
      { media: 'video', ssrc: 9, name: 'jvb-v0', owner: 'jvb', msid: 'mixedmslabel mixedlabelvideo0', screen: false },
      { media: 'audio', ssrc: 8, name: 'jvb-a0', owner: 'jvb', msid: 'mixedmslabel mixedlabelaudio0', screen: false },
      { media: 'video', ssrc: 1, name: 'b-v0', owner: 'b', msid: 'x y', screen: true },
      { media: 'video', ssrc: 2, name: 'b-v0', owner: 'b', msid: 'x y', screen: false },
    ],
    groups: [{ media: 'video', semantics: 'FID', ssrcs: [1, 2] }],
  });
});

test('adding twice is adding once; removing what was added leaves what was there', () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const both = addSources(a, b);
      expect(addSources(both, b)).toEqual(both);
      const added = new Set(b.sources.map((s) => s.ssrc));
      expect(removeSources(both, (s) => added.has(s.ssrc)).sources).toEqual(a.sources.filter((s) => !added.has(s.ssrc)));
    }),
  );
});

test('owners in source names', () => {
  expect(ownerOf('a1b2c3d4-v0')).toBe('a1b2c3d4');
  expect(ownerOf('a1b2c3d4-a10.fr')).toBe('a1b2c3d4');
  expect(ownerOf('nonsense')).toBe('');
});
