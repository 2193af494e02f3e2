// More people than one page of the grid takes. Most of them are there without a camera.

import { afterEach, expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { desktop, look, phone } from './console.ts';
import { until } from './guest.ts';
import { Writer } from './writer.ts';

const box = inject('box');
const { open } = cast(box.url);
const writers: Writer[] = [];

afterEach(() => {
  for (const writer of writers.splice(0)) writer.leave();
});

test('the grid has pages: who speaks comes to the first, nothing is sent for the others, and a page that is gone is left', async () => {
  const ada = await open('Ada', desktop);
  await ada.join(`${box.url}/crowd`);
  for (let i = 0; i < 26; i += 1) writers.push(await Writer.enter(box.url, 'crowd'));
  const tiles = ada.page.locator('.stage .tile');
  const pages = ada.page.locator('.pages');
  const [previous, next] = [ada.page.getByRole('button', { name: 'Previous people' }), ada.page.getByRole('button', { name: 'Next people' })];
  await pages.getByText('1 of 2').waitFor();
  await expect.poll(() => tiles.count()).toBe(25);
  expect(await previous.isDisabled()).toBe(true);
  await look(ada.page, 'pages-first-desktop-light');
  await next.click();
  await pages.getByText('2 of 2').waitFor();
  await expect.poll(() => tiles.count()).toBe(2);
  expect(await next.isDisabled()).toBe(true);
  await look(ada.page, 'pages-last-desktop-light');
  await previous.click();

  // The last one to come is the only one who speaks.
  await ada.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  const ben = await open('Ben');
  await ben.join(`${box.url}/crowd`);
  await ada.tile('Ben').locator('video').waitFor();
  await pages.getByText('1 of 2').waitFor();
  const seen = async () => (await ada.frames())['Ben'] ?? 0;
  await until('Ada sees Ben', 60_000, async () => (await seen()) > 0);
  await next.click();
  await ada.tile('Ben').waitFor({ state: 'detached' });
  let last = -1;
  let since = Date.now();
  await until('the bridge sends nothing of Ben', 60_000, async () => {
    const now = await seen();
    if (now !== last) [last, since] = [now, Date.now()];
    return Date.now() - since > 2000;
  });
  await previous.click();
  await until('Ben moves again', 30_000, async () => (await seen()) > last);

  // On a phone a page takes fewer.
  await ada.page.setViewportSize(phone.viewport);
  await ada.page.emulateMedia({ colorScheme: 'dark' });
  const first = pages.getByText(/^1 of [3-5]$/);
  await first.waitFor();
  await ada.tile('Ben').waitFor();
  const all = Number((await first.textContent())?.at(-1));
  await look(ada.page, 'pages-phone-dark');
  for (let i = 1; i < all; i += 1) await next.click();
  await pages.getByText(`${all} of ${all}`).waitFor();
  for (const writer of writers.splice(0)) writer.leave();
  await pages.waitFor({ state: 'detached' });
  await ada.tile('Ben').waitFor();
});
