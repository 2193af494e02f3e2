import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parse } from '../../test/parse.ts';
import { child, el, print, textOf, type Xml } from './xml.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
// What can be written in XML at all; the rest is replaced, which a test below shows. U+2028 and U+2029 are left
// out because this parser takes them for the end of a line, as only XML 1.1 does.
const text = fc.string({ unit: 'grapheme' }).map((s) => s.replace(/[\p{Cc}\p{Cs}\u2028\u2029\ufffe\uffff]/gu, '')).filter((s) => s !== '');
const tree: fc.Arbitrary<Xml> = fc.letrec<{ node: Xml }>((tie) => ({
  node: fc.record({
    name,
    ns: fc.constantFrom('urn:a', 'urn:b', 'jabber:client'),
    attrs: fc.dictionary(name, fc.string({ unit: 'grapheme' }).map((s) => s.replace(/[\p{Cs}\u2028\u2029\ufffe\uffff]|[^\P{Cc}\t\n\r]/gu, ''))),
    children: fc.oneof(
      { depthSize: 'small' },
      text.map((t) => [t]),
      fc.array(tie('node'), { maxLength: 3 }),
    ),
  }),
})).node;

test('what is printed reads back the same', () => {
  fc.assert(
    fc.property(tree, (x) => {
      expect(parse(print(x))).toEqual(x);
    }),
  );
});

test('an element says its namespace only where it differs from its parent', () => {
  const x = el('iq', 'jabber:client', { type: 'get' }, el('query', 'urn:q', {}, el('item', 'urn:q'), el('other', '')));
  expect(print(x)).toBe('<iq xmlns="jabber:client" type="get"><query xmlns="urn:q"><item/><other/></query></iq>');
});

test('characters that XML forbids are replaced, whatever a person pastes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (s) => {
      const back = parse(print(el('body', 'urn:a', { note: s }, s)));
      expect(textOf(back).length).toBe(s.length);
    }),
    { numRuns: 50 },
  );
  expect(print(el('b', '', {}, 'a\u0000\ud800<'))).toBe('<b>a\ufffd\ufffd&lt;</b>');
});

test('children are found by name and namespace', () => {
  const x = el('p', '', {}, el('x', 'urn:a'), 'text', el('x', 'urn:b', { n: 1 }));
  expect(child(x, 'x', 'urn:b')?.attrs['n']).toBe('1');
  expect(child(x, 'x')?.ns).toBe('urn:a');
  expect(child(undefined, 'x')).toBeUndefined();
});
