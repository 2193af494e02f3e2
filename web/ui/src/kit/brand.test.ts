import { expect, test, vi } from 'vitest';

vi.mock('./brand.css', () => ({}));

const { parseBrand } = await import('./brandLoad.ts');

const nothing = { name: '', accent: '', welcome: '', links: [], logo: '' };

test('what the box says of itself', () => {
  const links = [{ text: 'Imprint', url: 'https://intranet.example/imprint' }];
  const said = { name: 'Harbour', accent: '#7a1fA2', welcome: 'Good morning', links, logo: '/branding/0a1b.png' };
  expect(parseBrand(said)).toEqual(said);
});

test('what makes no sense, or would run, is left out', () => {
  expect(parseBrand(null)).toEqual(nothing);
  expect(parseBrand([])).toEqual(nothing);
  expect(parseBrand({ name: 7, accent: 'red;}', welcome: {}, links: 'x', logo: '//elsewhere.example/x.png' })).toEqual(nothing);
  expect(parseBrand({ links: [null, { text: 'x', url: 'javascript:alert(1)' }, { text: '', url: 'https://a.example' }, { text: 'Help', url: 'mailto:help@office.example' }] }).links).toEqual([
    { text: 'Help', url: 'mailto:help@office.example' },
  ]);
});
