// A box that looks as its owner wants: name, logo, colour, welcome and links, set in the console, seen by
// everybody. On a box of its own: the others look as the product does.

import type { Browser } from 'playwright-core';
import { expect, test } from 'vitest';
import { ownerPassword } from './box.ts';
import { cast, ownBox } from './cast.ts';
import type { Guest } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = ownBox('log-branding', 'history=10');
const { open } = cast(() => box.url);
const { open: openConsole } = cast(() => box.box.consoleUrl);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };

async function look(guest: Guest, picture: string): Promise<void> {
  await shoot(guest.page, picture, true);
  expect(await fits(guest.page), `${picture} fits`).toBe(true);
  expect(await barriers(guest.page), picture).toEqual([]);
}

/** A picture as somebody's files have it, larger than it is ever shown. */
async function drawn(guest: Guest): Promise<Buffer> {
  const text = await guest.page.evaluate(async () => {
    const canvas = new OffscreenCanvas(900, 300);
    const pen = canvas.getContext('2d');
    if (!pen) throw new Error('no canvas');
    pen.fillStyle = '#7a1fa2';
    pen.arc(150, 150, 130, 0, 7);
    pen.fill();
    pen.font = '700 180px sans-serif';
    pen.fillText('Quay', 330, 215);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp' })).arrayBuffer());
    return btoa(Array.from(bytes, (b) => String.fromCodePoint(b)).join(''));
  });
  return Buffer.from(text, 'base64');
}

// A page on the plain port asks the secure one whether it is trusted, so it is no Guest's.
function browserOf(guest: Guest): Browser {
  const browser = guest.page.context().browser();
  if (!browser) throw new Error('no browser');
  return browser;
}

const colour = (guest: Guest) => guest.page.evaluate(() => getComputedStyle(document.querySelector('.button-primary') ?? document.body).backgroundColor);

test('set in the console, seen by guests on all pages', { timeout: 300_000 }, async () => {
  const before = await open('Before', desktop);
  await before.page.goto(box.url);
  await before.page.getByRole('heading', { level: 1 }).waitFor();
  const green = await colour(before);

  const admin = await openConsole('Admin', desktop);
  const { page } = admin;
  await page.goto(`${box.box.consoleUrl}/#/branding`);
  await page.getByLabel('Name').fill('Workshop');
  await page.getByLabel('Password').fill(ownerPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Appearance' }).waitFor();
  await page.getByLabel('Name of the service').fill('Harbour office');
  await page.getByLabel('Welcome text').fill('Good to see you.\nThe kitchen is on the left.');
  await page.getByLabel('Colour', { exact: true }).fill('#7a1fa2');
  await page.getByLabel('Logo', { exact: true }).setInputFiles({ name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') });
  await page.getByText('This picture cannot be used.').waitFor();
  await page.getByLabel('Logo', { exact: true }).setInputFiles({ name: 'logo.webp', mimeType: 'image/webp', buffer: await drawn(admin) });
  await page.getByRole('img', { name: 'The logo as it is shown' }).waitFor();
  await page.getByRole('button', { name: 'Add a link' }).click();
  await page.getByLabel('Text of link 1').fill('Imprint');
  await page.getByLabel('Address of link 1').fill('javascript:alert(1)');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Give an address as in https://').waitFor();
  await look(admin, 'console-branding-error-desktop-light');
  await page.getByLabel('Address of link 1').fill('https://intranet.example/imprint');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.shell-logo').getByText('Harbour office').waitFor();
  await look(admin, 'console-branding-desktop-light');
  await page.setViewportSize(phone.viewport);
  await page.emulateMedia({ colorScheme: 'dark' });
  await look(admin, 'console-branding-phone-dark');

  const guest = await open('Guest', phone);
  await guest.page.goto(box.url);
  await guest.page.getByText('The kitchen is on the left.').waitFor();
  await guest.page.locator('.logo').getByText('Harbour office').waitFor();
  expect(await guest.page.locator('.logo img').evaluate((img: HTMLImageElement) => img.decode().then(() => img.naturalHeight))).toBe(160);
  const link = guest.page.getByRole('link', { name: 'Imprint' });
  expect([await link.getAttribute('href'), await link.getAttribute('rel'), await link.getAttribute('target')]).toEqual(['https://intranet.example/imprint', 'noopener noreferrer', '_blank']);
  expect(await guest.page.title()).toBe('Harbour office');
  await look(guest, 'branding-start-phone-dark');
  await guest.page.goto(`${box.url}/quay`);
  await guest.page.getByRole('link', { name: 'Imprint' }).waitFor();
  await look(guest, 'branding-prejoin-phone-dark');
  await guest.page.goto(`${box.url}/check`);
  await guest.page.locator('.logo').getByText('Harbour office').waitFor();
  expect(await page.title()).toBe('Appearance · Harbour office');
  const visitor = await browserOf(guest).newPage({ ...desktop, ignoreHTTPSErrors: true });
  await visitor.goto(`${box.box.plainUrl}/trust`);
  await visitor.locator('.logo').getByText('Harbour office').waitFor();
  expect(await visitor.locator('.logo img').evaluate((img: HTMLImageElement) => img.decode().then(() => img.naturalHeight))).toBe(160);
  expect(await visitor.title()).toMatch(/^Trust this box · Harbour office$/);
  await shoot(visitor, 'branding-trust-desktop-light');
  await visitor.close();

  await before.page.reload();
  await before.page.getByText('The kitchen is on the left.').waitFor();
  expect(await colour(before)).not.toBe(green);
  await look(before, 'branding-start-desktop-light');
  await before.page.goto(`${box.url}/quay`);
  await before.page.getByRole('link', { name: 'Imprint' }).waitFor();
  await look(before, 'branding-prejoin-desktop-light');

  // Taken back: the product's own.
  await page.setViewportSize(desktop.viewport);
  await page.getByRole('button', { name: 'Remove the logo' }).click();
  await page.getByLabel('Name of the service').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.shell-logo').getByText('Meetbox').waitFor();
});
