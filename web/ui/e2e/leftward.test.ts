// Pages turned round, as for languages that are written to the left, with letters as far apart as readers may
// want them (WCAG 2.2: 1.4.12), which is also what longer words need: everything stands where it stood, seen in
// a mirror, nothing sticks out, and nothing covers what one wants to press.

import type { Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { desktop, own, phone } from './console.ts';
import { allSee, type Guest, until } from './guest.ts';
import { readable, shoot } from './look.ts';

const box = inject('box');
const { guests, open } = cast(box.url);
const patience = { timeout: 300_000 };

async function space(page: Page): Promise<void> {
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('* { letter-spacing: 0.12em !important; word-spacing: 0.16em !important; line-height: 1.5 !important } p { margin-block-end: 2em }');
    document.adoptedStyleSheets = [sheet];
  });
}

/** Turns the page to the left, and names what is not as far from where one begins to read as it was. */
function unlike(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const turn = async (dir: 'ltr' | 'rtl') => {
      document.documentElement.dir = dir;
      await new Promise(requestAnimationFrame);
      await Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined)));
    };
    const start = (e: Element) => (document.documentElement.dir === 'rtl' ? document.documentElement.clientWidth - e.getBoundingClientRect().right : e.getBoundingClientRect().left);
    await turn('ltr');
    const all = [...document.querySelectorAll('button, input, select, textarea, h1, h2, h3, li, section, aside, nav, table, .tile-tag, .panel, .popover, .banner')].filter(
      (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.sr-only, .notices, [aria-live]'),
    );
    const before = all.map(start);
    await turn('rtl');
    // The same letters are some pixels wider in one direction than in the other.
    return all.flatMap((e, i) => {
      const [was = 0, is] = [before[i], start(e)];
      return !e.isConnected || Math.abs(was - is) <= 4 ? [] : [`${e.localName}.${e.className} ${(e.getAttribute('aria-label') ?? e.textContent ?? '').slice(0, 40)}: ${was}, then ${is}`];
    });
  });
}

/** What cannot be pressed because something else lies on its middle. */
function covered(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const within = document.querySelector('dialog[open]') ?? (innerWidth < 768 ? document.querySelector('.popover, .panel') : null) ?? document.body;
    /** Whether the middle is in what the boxes around it show. */
    const shown = (e: Element, x: number, y: number) => {
      for (let at = e.parentElement; at; at = at.parentElement) {
        const r = at.getBoundingClientRect();
        if (getComputedStyle(at).overflow !== 'visible' && (x < r.left || x > r.right || y < r.top || y > r.bottom)) return false;
      }
      return x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
    };
    return [...within.querySelectorAll<HTMLElement>('button:not(.tile-pin), a[href], input, select, textarea')]
      .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.sr-only') && !e.classList.contains('skip'))
      .flatMap((e) => {
        const r = e.getBoundingClientRect();
        const [x, y] = [r.left + r.width / 2, r.top + r.height / 2];
        const top = document.elementFromPoint(x, y);
        if (!shown(e, x, y) || !top || e.contains(top) || top.contains(e) || top.closest('label')?.contains(e)) return [];
        return [`${e.getAttribute('aria-label') ?? e.textContent ?? ''} under ${top.localName}.${top.className}`];
      });
  });
}

async function turned(page: Page, what: string): Promise<void> {
  await expect.poll(() => unlike(page), { message: `${what} in a mirror` }).toEqual([]);
  await shoot(page, `rtl-${what}`);
  await expect.poll(() => covered(page), { message: `${what}: covered` }).toEqual([]);
  await readable(page, what);
}

test.each([
  ['desktop', desktop],
  ['phone', phone],
] as const)('from the start page through a meeting, %s', patience, async (device, options) => {
  const ada = await open('Ada', options);
  const { page } = ada;
  const room = `${box.url}/leftward-${device}`;
  await page.goto(box.url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await space(page);
  await turned(page, `start-${device}`);
  await page.goto(room);
  await page.locator('.preview video').waitFor();
  await space(page);
  await turned(page, `prejoin-${device}`);
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Join meeting' }).click();
  await page.getByRole('heading', { name: 'You are the first one here' }).waitFor();
  await turned(page, `alone-${device}`);
  const ben = await open('שרה');
  await ben.join(room);
  await allSee(guests, 90_000);
  await ben.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await ada.tile('שרה').getByText('microphone off').waitFor();
  await until('notices go by themselves', 30_000, async () => (await page.locator('.notice').count()) === 0);
  await turned(page, `room-${device}`);
  await inside(ada, ben, device);
});

/** What opens in a meeting. */
async function inside(ada: Guest, ben: Guest, device: string): Promise<void> {
  const { page } = ada;
  const controls = page.getByRole('toolbar', { name: 'Meeting controls' });
  await controls.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Settings' }).waitFor();
  await turned(page, `more-${device}`);
  await page.getByRole('menuitem', { name: 'Settings' }).click();
  await page.getByRole('checkbox', { name: 'Let only voices through' }).waitFor();
  await turned(page, `settings-${device}`);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await ben.chat('שלום לכולם');
  await controls.getByRole('button', { name: /^Chat/ }).click();
  await page.getByText('שלום לכולם', { exact: true }).waitFor();
  await page.getByRole('textbox', { name: 'Message' }).fill('Good morning, the plan is at https://box.local/plan.');
  await page.keyboard.press('Enter');
  await ben.page.getByText('Good morning').first().waitFor();
  await turned(page, `chat-${device}`);
  await page.locator('.panel').getByRole('button', { name: 'Close', exact: true }).click();
  await controls.getByRole('button', { name: /^People/ }).click();
  await page.getByRole('button', { name: 'Rules for the meeting' }).click();
  await page.getByRole('checkbox', { name: 'Who joins comes muted' }).waitFor();
  await turned(page, `people-${device}`);
  await page.locator('.panel').getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByRole('button', { name: 'Pin שרה' }).click();
  await page.locator('.tile-stage').waitFor();
  await turned(page, `pinned-${device}`);
  await page.getByRole('button', { name: 'Leave meeting' }).click();
  await page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
  await turned(page, `left-${device}`);
}

test.each([
  ['desktop', desktop],
  ['phone', phone],
] as const)('the console, %s', patience, async (device, options) => {
  const { page } = await open('admin', options, null, box.consoleUrl);
  await own(page, box);
  const pages = device === 'phone' ? ['', 'network', 'people'] : ['', 'meetings', 'schedule', 'rooms', 'network', 'certificates', 'clock', 'people', 'backup', 'branding'];
  for (const name of pages) {
    await page.goto(`${box.consoleUrl}/#/${name}`);
    await page.reload();
    await page.locator('.page h1').waitFor();
    await until(`${name} has loaded`, 30_000, async () => (await page.locator('.loading').count()) === 0);
    await space(page);
    await turned(page, `console-${name || 'overview'}-${device}`);
  }
  if (device === 'phone') {
    await page.getByRole('button', { name: 'Menu' }).click();
    await turned(page, 'console-menu-phone');
  }
});

test('checking a device, and trusting the box', patience, async () => {
  const guest = await open('Guest', phone);
  const { page } = guest;
  await page.goto(`${box.url}/check`);
  await page.getByRole('heading', { name: 'Check this device' }).waitFor();
  await space(page);
  await turned(page, 'check-phone');
  // It asks the secure origin whether it is trusted, so it is no Guest's.
  const trust = await page.context().browser()?.newPage({ ...phone, ignoreHTTPSErrors: false });
  if (!trust) throw new Error('no browser');
  await trust.goto(`${box.plainUrl}/trust`);
  await trust.getByText('Not yet. This page notices by itself.').waitFor();
  await space(trust);
  await turned(trust, 'trust-phone');
  await trust.close();
});
