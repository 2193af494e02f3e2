// Ways through the console that several files of tests go.

import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { type Box, ownerPassword, setupCode } from './box.ts';
import { barriers, fits, shoot } from './look.ts';

export const desktop = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };

export async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Opens the console as the owner of the box that files of tests share; whichever of them comes first claims it. */
export async function own(page: Page, box: Box): Promise<void> {
  await page.goto(box.consoleUrl);
  const post = (path: string, body: object) =>
    page.evaluate(async ([where, what]) => (await fetch(where, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(what) })).status, [`/api/v1/${path}`, body] as const);
  const who = { name: 'Workshop', password: ownerPassword };
  const code = await setupCode(box).catch(() => '');
  if (code !== '') await post('claim', { ...who, code });
  expect(await post('session', who)).toBe(200);
}

/** Waits until the box has what was to be saved: on its way it can still be discarded. */
export async function saved(form: Locator | Page): Promise<void> {
  await form.getByRole('button', { name: 'Discard changes' }).waitFor({ state: 'detached' });
}

/** The page as it is now: its picture, and nothing that sticks out or is in somebody's way. */
export async function look(page: Page, picture: string, full = false): Promise<void> {
  await shoot(page, picture, full);
  expect(await fits(page), picture).toBe(true);
  expect(await barriers(page), picture).toEqual([]);
}
