// The eight languages: each page says everything in the reader's own, whole and without laying one text on another.

import { readdirSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { cast, ownBox } from './cast.ts';
import { own, phone } from './console.ts';
import { fits, shoot } from './look.ts';

// On a box of their own nobody else's meetings are among the words.
const box = ownBox('log-languages');
const { open } = cast(() => box.url);
const catalogs = new URL('../src/i18n/', import.meta.url);
const folders = readdirSync(catalogs, { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => e.name);

function words(folder: string, tag: string): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`${folder}/${tag}.json`, catalogs), 'utf8')) as Record<string, string>;
}

function texts(tag: string): readonly string[] {
  return folders.flatMap((folder) => Object.values(words(folder, tag)).map((text) => text.trim()));
}

/** Everything that may be said in a language, with any values; where little is said around them, those are single words. */
function sayings(tag: string): RegExp {
  const patterns = texts(tag).flatMap((text) => {
    const parts = text.split(/\{(?:[^{}]|\{[^{}]*\})*\}/);
    const letters = parts.join('').replaceAll(/\P{L}/gu, '').length;
    return letters === 0 ? [] : [parts.map((part) => part.replace(/[.*+?^$()[\]\\|/{}]/g, String.raw`\$&`)).join(letters < 12 ? String.raw`\S*` : '.*')];
  });
  return new RegExp(`^(?:${[...new Set(patterns)].join('|')})$`, 's');
}

interface Said {
  readonly all: readonly string[];
  /** Pairs of texts of which one lies on the other, and texts of which a part is not shown. */
  readonly hidden: readonly string[];
}

/** All that is written on the page, to be seen or to be heard, but what its forms let one choose. */
async function said(page: Page): Promise<Said> {
  return await page.evaluate(() => {
    const all: string[] = [];
    const seen: { readonly text: string; readonly rects: readonly DOMRect[] }[] = [];
    const hidden: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const [e, text] = [node.parentElement, (node.textContent ?? '').trim()];
      if (!e || text === '' || e.closest('script, style, option') || !e.checkVisibility({ visibilityProperty: true })) continue;
      all.push(text);
      if (e.closest('.sr-only, .skip')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const rects = [...range.getClientRects()].filter((r) => r.width > 1 && r.height > 1);
      let floats = false; // over what scrolls below it
      for (let at: Element | null = e; at && at !== document.body; at = at.parentElement) {
        const [frame, style] = [at.getBoundingClientRect(), getComputedStyle(at)];
        floats ||= style.position === 'sticky' || style.position === 'fixed';
        if (style.overflowX !== 'visible' && style.overflowX !== 'auto' && rects.some((r) => r.left < frame.left - 1 || r.right > frame.right + 1)) hidden.push(`${text} sticks out of ${at.localName}.${at.className}`);
      }
      if (!floats) seen.push({ text, rects });
    }
    const onto = (a: DOMRect, b: DOMRect) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.4 * Math.min(a.height, b.height);
    for (const [i, one] of seen.entries()) for (const two of seen.slice(i + 1)) if (one.rects.some((a) => two.rects.some((b) => onto(a, b)))) hidden.push(`${one.text} lies on ${two.text}`);
    for (const e of document.querySelectorAll('[aria-label], [placeholder], [title], img[alt]')) {
      if (!e.checkVisibility({ visibilityProperty: true })) continue;
      for (const name of ['aria-label', 'placeholder', 'title', 'alt']) all.push((e.getAttribute(name) ?? '').trim());
    }
    return { all: [...all, document.title.replace(/ · [^·]*$/, '')], hidden };
  });
}

/** The page is in this language: what is said on it, beside names of things and people, is in our words. */
async function speaks(page: Page, tag: string, names: RegExp, what: string): Promise<void> {
  const [ours, exact, english] = [sayings(tag), new Set(texts(tag)), new Set(texts('en'))];
  const foreign = (text: string) => /\p{L}/u.test(text) && !names.test(text) && (!ours.test(text) || (english.has(text) && !exact.has(text)));
  // Parts of a page that come later bring their words along.
  await expect.poll(async () => (await said(page)).all.filter(foreign), { message: `${what}: not ${tag}`, timeout: 60_000 }).toEqual([]);
  await page.locator(`html[lang="${tag}"]`).waitFor();
  await shoot(page, `languages-${what}-${tag}`, true);
  expect((await said(page)).hidden, what).toEqual([]);
  expect(await fits(page), `${what} fits`).toBe(true);
}

test.each(['en', 'de', 'fr', 'es', 'it', 'nl', 'pl', 'pt-BR'])('%s', async (tag) => {
  const [meeting, check, admin] = [words('catalogs', tag), words('check', tag), words('console', tag)];
  const heading = (page: Page, name: string | undefined) => page.getByRole('heading', { level: 1, name: name ?? '', exact: true }).waitFor();
  const guest = await open('Guest', { ...phone, locale: tag });
  await guest.page.goto(box.url);
  await heading(guest.page, meeting['start.title']);
  const suggested = (await guest.page.getByRole('textbox').first().getAttribute('placeholder')) ?? '';
  expect(suggested).toMatch(/^\S+$/);
  await speaks(guest.page, tag, new RegExp(`^(?:Meetbox|${suggested})$`), 'start');

  await guest.page.goto(`${box.url}/polyglot`);
  await guest.page.getByRole('button', { name: meeting['prejoin.join'] ?? '', exact: true }).waitFor();
  await guest.page.locator('.preview video').waitFor();
  await heading(guest.page, 'polyglot');
  await speaks(guest.page, tag, /^(?:Meetbox|polyglot)$/, 'prejoin');

  await guest.page.goto(`${box.url}/check`);
  await heading(guest.page, check['title']);
  await speaks(guest.page, tag, /^Meetbox$/, 'check');

  const { page } = await open('admin', { ...phone, locale: tag }, null, box.box.consoleUrl);
  await page.goto(box.box.consoleUrl);
  await heading(page, admin['sign-in.title']);
  await speaks(page, tag, /^Meetbox$/, 'signin');
  await own(page, box.box);
  await page.goto(`${box.box.consoleUrl}/#/clock`);
  await page.reload();
  await heading(page, admin['nav.page.clock']);
  await page.locator('.loading').first().waitFor({ state: 'detached' });
  await speaks(page, tag, /^(?:Meetbox|Workshop)$/, 'clock');
});
