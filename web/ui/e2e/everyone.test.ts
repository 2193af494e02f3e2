// For everyone: news that is read aloud, as blind people asked Jitsi for, and pages at 200 % zoom (WCAG 2.2:
// 1.4.4, 4.1.3).

import type { Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import type { Guest } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const patience = { timeout: 240_000 };

const toolbar = (page: Page) => page.getByRole('toolbar', { name: 'Meeting controls' });

/** Nothing needs scrolling sideways, and no control of the page is cut off at a side. */
async function readable(guest: Guest, what: string): Promise<void> {
  expect(await fits(guest.page), `${what} fits`).toBe(true);
  const cut = await guest.page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, a[href], input, select, textarea, h1, h2')]
      .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.sr-only') && !e.classList.contains('skip'))
      .map((e) => ({ name: e.getAttribute('aria-label') ?? e.textContent ?? '', ...e.getBoundingClientRect().toJSON() }) as DOMRect & { name: string })
      .filter((r) => r.width > 1 && (r.left < -1 || r.right > innerWidth + 1))
      .map((r) => r.name),
  );
  expect(cut, what).toEqual([]);
  expect(await barriers(guest.page), what).toEqual([]);
}

test.each([
  ['200 %', 640, 400, 2],
])('a screen of 1280 pixels at %s', patience, async (zoom, width, height, deviceScaleFactor) => {
  const name = zoom.replace(' %', '');
  const ada = await open('Ada', { viewport: { width, height }, deviceScaleFactor });
  const { page } = ada;
  await page.goto(box.url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await readable(ada, 'the start page');
  await page.goto(`${box.url}/zoom-${name}`);
  await page.getByLabel('Your name').waitFor();
  await readable(ada, 'before the meeting');
  await shoot(page, `zoom-${name}-prejoin`, true);
  await ada.join(`${box.url}/zoom-${name}`);
  const ben = await open('Ben', desktop);
  await ben.join(`${box.url}/zoom-${name}`);
  await page.getByText('Ben joined').first().waitFor();
  await readable(ada, 'the meeting');
  await shoot(page, `zoom-${name}-room`);
  for (const panel of [/^Chat/, /^People/]) {
    await toolbar(page).getByRole('button', { name: panel }).click();
    await page.locator('.panel').waitFor();
    await readable(ada, String(panel));
    await shoot(page, `zoom-${name}-${panel.source.slice(1).toLowerCase()}`);
    await page.locator('.panel').getByRole('button', { name: 'Close' }).click();
    await page.locator('.panel').waitFor({ state: 'detached' });
  }
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Settings' }).click();
  await page.getByRole('dialog').waitFor();
  await readable(ada, 'settings');
  await shoot(page, `zoom-${name}-settings`);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Leave meeting' }).click();
  await page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
  await readable(ada, 'the end');
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
