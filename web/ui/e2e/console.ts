// Ways through the console that several files of tests go.

import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { barriers, fits, shoot } from './look.ts';

export const desktop = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };

export async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** The page as it is now: its picture, and nothing that sticks out or is in somebody's way. */
export async function look(page: Page, picture: string, full = false): Promise<void> {
  await shoot(page, picture, full);
  expect(await fits(page), picture).toBe(true);
  expect(await barriers(page), picture).toEqual([]);
}
