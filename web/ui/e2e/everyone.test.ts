// For everyone: what blind people asked Jitsi for (headings, states that are said, menus by keyboard, news
// read aloud), pages at 200 % and 400 % zoom, and no movement for who wants none (WCAG 2.2: 1.3.1, 1.4.4,
// 1.4.10, 2.1.1, 2.3.3, 2.4.3, 4.1.2, 4.1.3).

import type { Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { type Guest, until } from './guest.ts';
import { barriers, readable, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const patience = { timeout: 300_000 };

/** What has the focus, as a screen reader names it. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '');
const focusIs = (page: Page, name: string) => until(`the focus is on ${name}`, 30_000, async () => (await focused(page)) === name);
const toolbar = (page: Page) => page.getByRole('toolbar', { name: 'Meeting controls' });

/** Names in pictures that the pager lies over. */
const covered = (guest: Guest) =>
  guest.page.evaluate(() => {
    const pager = document.querySelector('.pages')?.getBoundingClientRect();
    if (!pager) return [];
    return [...document.querySelectorAll('.tile-tag')]
      .map((e) => ({ name: e.textContent, r: e.getBoundingClientRect() }))
      .filter(({ r }) => r.left < pager.right && r.right > pager.left && r.top < pager.bottom && r.bottom > pager.top)
      .map(({ name }) => name);
  });

test.each([
  ['200 %', 640, 400, 2],
  ['400 %', 320, 256, 4],
])('a screen of 1280 pixels at %s', patience, async (zoom, width, height, deviceScaleFactor) => {
  const name = zoom.replace(' %', '');
  const ada = await open('Ada', { viewport: { width, height }, deviceScaleFactor });
  const { page } = ada;
  await page.goto(box.url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await readable(page, 'the start page');
  await page.goto(`${box.url}/zoom-${name}`);
  await page.getByLabel('Your name').waitFor();
  await readable(page, 'before the meeting');
  await shoot(page, `zoom-${name}-prejoin`, true);
  await ada.join(`${box.url}/zoom-${name}`);
  const ben = await open('Ben', desktop);
  await ben.join(`${box.url}/zoom-${name}`);
  await page.getByText('Ben joined').first().waitFor();
  await readable(page, 'the meeting');
  expect(await covered(ada), 'names under the pager').toEqual([]);
  await shoot(page, `zoom-${name}-room`);
  for (const panel of [/^Chat/, /^People/]) {
    await toolbar(page).getByRole('button', { name: panel }).click();
    await page.locator('.panel').waitFor();
    await readable(page, String(panel));
    await shoot(page, `zoom-${name}-${panel.source.slice(1).toLowerCase()}`);
    await page.locator('.panel').getByRole('button', { name: 'Close' }).click();
    await page.locator('.panel').waitFor({ state: 'detached' });
  }
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Settings' }).click();
  await page.getByRole('dialog').waitFor();
  await readable(page, 'settings');
  await shoot(page, `zoom-${name}-settings`);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Leave meeting' }).click();
  await page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
  await readable(page, 'the end');
});

test('who wants no movement sees none', patience, async () => {
  const ada = await open('Ada', { ...desktop, reducedMotion: 'reduce' });
  const { page } = ada;
  /** Whatever changes its place or size by itself; a spinner that turns slowly says that something goes on. */
  const moving = () =>
    page.evaluate(() =>
      document.getAnimations().flatMap((a) => {
        const { effect } = a;
        if (!(effect instanceof KeyframeEffect) || a.playState !== 'running' || effect.getComputedTiming().activeDuration === 0) return [];
        const moved = effect.getKeyframes().some((k) => ['transform', 'translate', 'scale', 'insetBlockStart', 'insetInlineStart', 'height', 'width'].some((p) => p in k));
        return moved && !effect.target?.classList.contains('spinner') ? [effect.target?.className ?? ''] : [];
      }),
    );
  await page.goto(box.url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await moving()).toEqual([]);
  await ada.join(`${box.url}/still`);
  const ben = await open('Ben');
  await ben.join(`${box.url}/still`);
  await ada.tile('Ben').waitFor();
  expect(await moving(), 'somebody arrived').toEqual([]);
  await page.getByRole('button', { name: /^People/ }).click();
  await page.locator('.panel').waitFor();
  expect(await moving(), 'a panel opened').toEqual([]);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Alt+t');
  await page.locator('.fly').waitFor();
  expect(await moving(), 'a reaction stands').toEqual([]);
  await page.locator('.fly').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Settings' }).waitFor();
  expect(await moving(), 'a menu opened').toEqual([]);
});

test('what others do is read aloud', patience, async () => {
  const ada = await open('Ada', desktop);
  await ada.join(`${box.url}/aloud`);
  const spoken = ada.page.getByRole('log').first();
  expect(await spoken.getAttribute('aria-live')).toBe('polite');
  const hears = (text: string) => spoken.getByText(text, { exact: true }).first().waitFor();
  const ben = await open('Ben', desktop);
  await ben.join(`${box.url}/aloud`);
  await hears('Ben joined');
  await ben.page.keyboard.press('r');
  await hears('Ben raised their hand');
  await ben.chat('The slides are on the share');
  await hears('Ben writes: The slides are on the share');
  await ben.page.keyboard.press('Escape');
  await ben.page.keyboard.press('Alt+c');
  await hears('Ben: Applause');
  // In the open chat its own log says it, and only that.
  await ada.page.keyboard.press('c');
  await ada.page.getByRole('log', { name: 'Chat' }).getByText('The slides are on the share').waitFor();
  await ben.chat('and in the kitchen');
  await ada.page.getByRole('log', { name: 'Chat' }).getByText('and in the kitchen').waitFor();
  expect(await spoken.getByText('and in the kitchen').count()).toBe(0);
  await ben.page.getByRole('button', { name: 'Leave meeting' }).click();
  await hears('Ben left');
});

test('headings, states, menus and dialogs, by keyboard alone', patience, async () => {
  const ada = await open('Ada', desktop);
  const { page } = ada;
  const headings = (level: number) => page.getByRole('heading', { level }).count();
  await page.goto(box.url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await headings(1)).toBe(1);
  expect(await page.getByRole('main').count()).toBe(1);
  await ada.join(`${box.url}/script`);
  const ben = await open('Ben');
  await ben.join(`${box.url}/script`);
  await ada.tile('Ben').waitFor();
  expect(await headings(1)).toBe(1);
  expect(await page.getByRole('main').count()).toBe(1);

  // Tab goes through the controls in the order in which one sees them.
  await toolbar(page).getByRole('button', { name: 'Microphone' }).focus();
  const order = [];
  for (let i = 0; i < 9; i++) {
    order.push(await focused(page));
    await page.keyboard.press('Tab');
  }
  expect(order).toEqual(['Microphone', 'Camera', 'Share your screen', 'Raise hand', 'React', 'Chat', 'People, 2 in the meeting', 'More', 'Leave meeting']);

  // States are said, not only coloured.
  for (const name of ['Microphone', 'Camera', 'Raise hand']) {
    const button = toolbar(page).getByRole('button', { name });
    const before = await button.getAttribute('aria-pressed');
    await button.focus();
    await page.keyboard.press('Enter');
    await until(`${name} says its state`, 30_000, async () => (await button.getAttribute('aria-pressed')) === (before === 'true' ? 'false' : 'true'));
  }
  const people = toolbar(page).getByRole('button', { name: /^People/ });
  expect(await people.getAttribute('aria-expanded')).toBe('false');
  await people.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('complementary', { name: 'People (2)' }).waitFor();
  expect(await people.getAttribute('aria-expanded')).toBe('true');
  await focusIs(page, 'People (2)');

  // A menu within it: opened, walked through, closed; the focus comes back each time.
  await page.getByRole('button', { name: 'Moderate Ben' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menu', { name: 'Moderate Ben' }).waitFor();
  await until('an entry has the focus', 30_000, () => page.evaluate(() => document.activeElement?.getAttribute('role') === 'menuitem'));
  const first = await focused(page);
  await page.keyboard.press('ArrowDown');
  await until('the focus goes on', 30_000, async () => (await focused(page)) !== first);
  await page.keyboard.press('ArrowUp');
  await focusIs(page, first);
  await page.keyboard.press('Escape');
  await focusIs(page, 'Moderate Ben');
  await page.keyboard.press('Escape');
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  await focusIs(page, 'People, 2 in the meeting');

  // A dialog keeps the focus, and gives it back.
  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await keys.waitFor();
  for (let i = 0; i < 40; i++) await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null)).toBe(true);
  await page.keyboard.press('Escape');
  await keys.waitFor({ state: 'detached' });
  await focusIs(page, 'People, 2 in the meeting');
  expect(await barriers(page)).toEqual([]);
});
