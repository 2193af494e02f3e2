// Looking at pages: pictures of them, and what the accessibility checker and a ruler find.

import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Where all pictures are. */
export const shots = fileURLToPath(new URL('../../../test-results/screenshots', import.meta.url));

/** Waits until nothing slides or fades in any more: what one looks at, not how it comes. */
async function still(page: Page): Promise<void> {
  await page.waitForFunction(() => document.getAnimations().every((a) => a.playState === 'finished' || a.effect?.getTiming().iterations === Infinity));
}

export async function shoot(page: Page, name: string, fullPage = false): Promise<void> {
  await mkdir(shots, { recursive: true });
  await still(page);
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage });
}

/** What the accessibility checker finds on the page as it is now. */
export async function barriers(page: Page): Promise<readonly string[]> {
  await still(page);
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary ?? ''}`));
  });
}

/** Nothing sticks out at the side, which on a phone makes the whole page slide. */
export async function fits(page: Page): Promise<boolean> {
  return await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}

/** Nothing needs scrolling sideways, no control of the page is cut off at a side, and nothing is in somebody's way. */
export async function readable(page: Page, what: string): Promise<void> {
  await still(page);
  expect(await fits(page), `${what} fits`).toBe(true);
  const cut = () => page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, a[href], input, select, textarea, h1, h2')]
      .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.sr-only') && !e.classList.contains('skip'))
      .map((e) => ({ name: e.getAttribute('aria-label') ?? e.textContent ?? '', ...e.getBoundingClientRect().toJSON() }) as DOMRect & { name: string })
      .filter((r) => r.width > 1 && (r.left < -1 || r.right > innerWidth + 1))
      .map((r) => r.name),
  );
  await expect.poll(cut, { message: what }).toEqual([]);
  expect(await barriers(page), what).toEqual([]);
}
