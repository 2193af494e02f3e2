// The people of a test file: they share one browser, and leave after each test.

import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { Guest, launch } from './guest.ts';

export interface Cast {
  /** Who is there now, in the order of coming. */
  readonly guests: Guest[];
  open(name: string, options?: BrowserContextOptions, sitter?: number | null): Promise<Guest>;
}

/** Call it once, at the top of the file. A test in which a page complains fails. */
export function cast(url: string, start: () => Promise<Browser> = launch): Cast {
  let browser: Browser;
  const guests: Guest[] = [];
  beforeAll(async () => {
    browser = await start();
  });
  afterAll(async () => {
    await browser.close();
  });
  afterEach(async () => {
    const faults = guests.flatMap((g) => g.faults.map((fault) => `${g.name}: ${fault}`));
    await Promise.all(guests.map((g) => g.close()));
    guests.length = 0;
    expect(faults).toEqual([]);
  });
  return {
    guests,
    open: async (name, options = {}, sitter = null) => {
      const guest = await Guest.open(browser, url, name, options, sitter);
      guests.push(guest);
      return guest;
    },
  };
}
