// A guest with a phone: from the link to a meeting by way of the lobby, turned on its side, and away.

import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const upright = { width: 360, height: 740 };
const lying = { width: 740, height: 360 };

test.each(['light', 'dark'] as const)('from the link to a meeting by way of the lobby, %s', async (colorScheme) => {
  const room = `${box.url}/Garden%20party%20${colorScheme}`;
  const host = await open('Front desk', { viewport: { width: 1280, height: 800 } }, 1);
  await host.join(room);
  await until('Front desk is moderator', 30_000, async () => (await host.state()).participants[0]?.moderator === true);
  await host.page.getByRole('button', { name: 'More' }).click();
  await host.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  const door = host.page.getByRole('dialog', { name: 'Lobby and password' });
  await door.getByRole('checkbox', { name: /^Lobby/ }).check();
  await door.getByRole('button', { name: 'Close' }).click();

  const guest = await open('Robin', { viewport: upright, isMobile: true, hasTouch: true, deviceScaleFactor: 2, colorScheme }, 0);
  const { page } = guest;
  const look = async (what: string) => {
    await shoot(page, `guest-${what}-${colorScheme}`);
    expect(await fits(page), what).toBe(true);
    expect(await barriers(page), what).toEqual([]);
  };
  await page.goto(room);
  await page.locator('.preview video').waitFor();
  await look('1-link');
  await page.getByLabel('Your name').fill('Robin');
  await page.getByRole('button', { name: 'Join meeting' }).tap();
  await page.getByRole('heading', { name: 'Asking to be let in' }).waitFor();
  await look('2-waiting');
  await host.page.getByRole('region', { name: 'Waiting to come in' }).getByRole('button', { name: 'Let in' }).click();
  await page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await allSee([host, guest], 90_000);
  await until('notices go by themselves', 30_000, async () => (await page.locator('.notice').count()) === 0);
  await look('3-meeting');

  // Every control is within reach of a thumb and large enough for it.
  const { width, height } = upright;
  const controls = await page.getByRole('toolbar', { name: 'Meeting controls' }).getByRole('button').evaluateAll((all) => all.map((e) => e.getBoundingClientRect().toJSON() as DOMRect).filter((b) => b.width > 0));
  expect(controls.length).toBeGreaterThan(4);
  expect(controls.filter((b) => b.left < 0 || b.top < 0 || b.right > width || b.bottom > height || b.width < 44 || b.height < 44)).toEqual([]);
  await page.getByRole('button', { name: /^Chat/ }).tap();
  await page.getByRole('textbox', { name: 'Message' }).fill('Hello from the garden');
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  await until('Front desk reads it', 30_000, () => host.hasChat('Hello from the garden'));
  await look('4-chat');
  await page.keyboard.press('Escape');

  await page.setViewportSize(lying);
  await until('the pictures follow', 30_000, async () => {
    const tiles = await page.locator('.tile').all();
    const boxes = await Promise.all(tiles.map((t) => t.boundingBox()));
    return boxes.length === 2 && boxes.every((b) => b !== null && b.x >= 0 && b.x + b.width <= lying.width && b.y + b.height <= lying.height && b.height >= 100);
  });
  await look('5-lying');
  await page.setViewportSize(upright);
  await page.getByRole('button', { name: 'Leave meeting' }).tap();
  await page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
  await look('6-left');
});
