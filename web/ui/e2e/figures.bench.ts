// How long people wait: each page's first paint and first answer to a tap, from a browser that has
// never seen the box, and the time from "Join meeting" to the first picture of somebody else.
// Docs: docs/performance.md.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { allSee, Guest, launch, until } from './guest.ts';

const box = inject('box');
let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
});
const times = Number(process.env['BENCH_REPS'] ?? 5);
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** In milliseconds after the navigation began. */
interface Load {
  readonly paint: number;
  readonly largest: number;
  /** The main thread was free for a tap: the end of the last task over 50 ms, the first paint at the earliest. */
  readonly interactive: number;
}

const middle = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;

const say = (name: string, ms: number) => process.stdout.write(`figure: ${name} ${ms.toFixed(0)} ms\n`);

/** Runs in the page before its scripts. */
function watchLoad(): void {
  const seen = { largest: 0, busy: 0 };
  Object.assign(globalThis, { benchLoad: seen });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.largest = entry.startTime;
  }).observe({ type: 'largest-contentful-paint', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.busy = entry.startTime + entry.duration;
  }).observe({ type: 'longtask', buffered: true });
}

async function load(url: string, slower: number): Promise<Load> {
  const guest = await Guest.open(browser, url, 'Visitor', phone);
  const devtools = await guest.page.context().newCDPSession(guest.page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await guest.page.addInitScript(watchLoad);
  await guest.page.goto(url, { waitUntil: 'networkidle' });
  await guest.page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  expect(guest.faults).toEqual([]);
  const found = await guest.page.evaluate(() => {
    const { largest, busy } = (globalThis as unknown as { benchLoad: { largest: number; busy: number } }).benchLoad;
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN;
    return { paint, largest, interactive: Math.max(paint, busy) };
  });
  await guest.close();
  return found;
}

// Four times slower is what Lighthouse takes for a phone of the middle class.
test.each([
  ['start', box.url, 1],
  ['start_slow', box.url, 4],
  ['prejoin', `${box.url}/figures`, 1],
  ['prejoin_slow', `${box.url}/figures`, 4],
  ['console', `${box.consoleUrl}/`, 1],
] as const)('%s is there', async (name, url, slower) => {
  const loads: Load[] = [];
  for (let i = 0; i < times; i++) loads.push(await load(url, slower));
  for (const part of ['paint', 'largest', 'interactive'] as const) {
    const figure = middle(loads.map((l) => l[part]));
    expect(figure).toBeGreaterThan(0);
    say(`${name}_${part}`, figure);
  }
});

test('from the button to the first picture', async () => {
  const room = `${box.url}/figures`;
  const ada = await Guest.open(browser, room, 'Ada');
  await ada.join(room);
  const [inside, pictures]: [number[], number[]] = [[], []];
  for (let i = 0; i < times; i++) {
    const ben = await Guest.open(browser, room, `Ben ${i}`);
    const { toolbar, picture } = await joined(ben, room);
    inside.push(toolbar);
    pictures.push(picture);
    await allSee([ada, ben], 60_000);
    await ben.close();
    await until('Ada is alone', 30_000, async () => (await ada.state()).participants.length === 1);
  }
  say('join', middle(inside));
  say('join_first_picture', middle(pictures));
});

/** Presses the button in the page itself, so that no time of the test's own is in it. */
async function joined(guest: Guest, room: string): Promise<{ toolbar: number; picture: number }> {
  await guest.page.goto(room);
  await guest.page.getByLabel('Your name').fill(guest.name);
  const button = guest.page.getByRole('button', { name: 'Join meeting' });
  await button.waitFor();
  return await button.evaluate(async (element) => {
    const begin = performance.now();
    const moment = async (there: () => boolean): Promise<number> => {
      while (!there()) {
        await new Promise((resolve) => {
          setTimeout(resolve, 4);
        });
      }
      return performance.now() - begin;
    };
    (element as HTMLButtonElement).click();
    const toolbar = await moment(() => document.querySelector('[role="toolbar"]') !== null);
    const other = '.tile[data-picture="camera"]:not([data-endpoint="me"]) video';
    const picture = await moment(() => [...document.querySelectorAll<HTMLVideoElement>(other)].some((v) => v.getVideoPlaybackQuality().totalVideoFrames > 0));
    return { toolbar, picture };
  });
}
