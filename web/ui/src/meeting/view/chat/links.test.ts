import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pieces } from './links.ts';

test.each([
  ['see https://box.local/a.pdf.', ['https://box.local/a.pdf']],
  ['(http://box.local/a)', ['http://box.local/a']],
  ['https://a.example, https://b.example!', ['https://a.example', 'https://b.example']],
  ['javascript:alert(1) data:text/html,x file:///etc', []],
  ['https://', []],
  ['no link', []],
])('%s', (text, links) => {
  expect(pieces(text).flatMap((p) => p.href ?? [])).toEqual(links);
});

test('the pieces are the text, and every link is http or https', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(' ', '.', ')', 'javascript:', 'https://', 'http://a.example/b?c=d#e', 'HTTPS://[::1]:8443/x'))), (parts) => {
      const text = parts.join('');
      const found = pieces(text);
      expect(found.map((p) => p.text).join('')).toBe(text);
      expect(found.flatMap((p) => p.href ?? []).filter((href) => !/^https?:$/.test(new URL(href).protocol))).toEqual([]);
    }),
  );
});
