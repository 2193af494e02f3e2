// The people of a test file: they share one browser, and leave after each test.

import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type Box, claim, type Running, setSection, startBox } from './box.ts';
import { Guest, launch } from './guest.ts';
import { allow } from './network.ts';

/** Who owns boxes of ownBox. */
export const owner = 'Workshop';

export interface Cast {
  /** Who is there now, in the order of coming. */
  readonly guests: Guest[];
  /** at: where they go instead of to the box's meetings. */
  open(name: string, options?: BrowserContextOptions, sitter?: number | null, at?: string): Promise<Guest>;
}

/**
 * A box of this file's own, with an owner and these fields in the rules for rooms, for what all
 * meetings depend on. Call it once, before cast; the box is there when tests run.
 */
export function ownBox(logs: string, ...rules: readonly string[]): Pick<Box, 'url'> & Pick<Running, 'box' | 'powerCut' | 'powerOn'> {
  let running: Running | undefined;
  beforeAll(async () => {
    running = await startBox(logs);
    allow(running.box.url, running.box.plainUrl, running.box.consoleUrl);
    await claim(running.box, owner);
    if (rules.length > 0) await setSection(running.box, 'rooms', ...rules);
  }, 180_000);
  afterAll(async () => {
    await running?.stop();
  }, 60_000);
  const there = (): Running => {
    if (!running) throw new Error('the box is not there before the tests are');
    return running;
  };
  return {
    get url() {
      return there().box.url;
    },
    get box() {
      return there().box;
    },
    powerCut: () => there().powerCut(),
    powerOn: () => there().powerOn(),
  };
}

/** Call it once, at the top of the file. A test in which a page complains fails. */
export function cast(url: string | (() => string), start: () => Promise<Browser> = launch): Cast {
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
    open: async (name, options = {}, sitter = null, at = typeof url === 'string' ? url : url()) => {
      const guest = await Guest.open(browser, at, name, options, sitter);
      guests.push(guest);
      return guest;
    },
  };
}
