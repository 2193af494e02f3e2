// Everything by keyboard: from the link to leaving, with the keys as they come and as one wants them.

import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { until, type Guest } from './guest.ts';
import { barriers, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);

/** Goes to a control by Tab alone. */
async function reach(guest: Guest, role: 'button' | 'switch' | 'checkbox' | 'link', name: string | RegExp): Promise<void> {
  const control = guest.page.getByRole(role, { name });
  for (let i = 0; i < 60; i++) {
    if (await control.evaluate((e) => e === document.activeElement)) return;
    await guest.page.keyboard.press('Tab');
  }
  throw new Error(`${String(name)} cannot be reached by Tab`);
}

const muted = async (guest: Guest) => (await guest.state()).participants[0]?.audioMuted;

test('from the link to leaving', async () => {
  const ada = await open('Ada', { viewport: { width: 1280, height: 800 } });
  const { page } = ada;
  await page.goto(`${box.url}/all-keys`);
  await page.getByLabel('Your name').waitFor();
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  await page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await until('the microphone is on', 30_000, async () => (await muted(ada)) === false);

  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await help.getByText('Microphone on or off').waitFor();
  await page.keyboard.press('m');
  expect(await muted(ada), 'a dialog keeps the keys').toBe(false);
  await shoot(page, 'keys-desktop-light');
  expect(await barriers(page)).toEqual([]);

  await reach(ada, 'button', /^Change the key for: Microphone/);
  await page.keyboard.press('Enter');
  await help.getByText('Press the new key.').waitFor();
  await page.keyboard.press('7');
  await help.getByText('1 to 9 always pin people.').waitFor();
  await page.keyboard.press('v');
  await help.getByText('V: Microphone on or off. V had another meaning before: Camera on or off.').waitFor();
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'detached' });

  await page.keyboard.press('v');
  await until('V mutes now', 30_000, async () => (await muted(ada)) === true);
  expect((await ada.state()).participants[0]?.videoMuted, 'and leaves the camera alone').toBe(false);
  await page.keyboard.press('m');
  await page.keyboard.down('Space');
  await until('held, the space bar speaks', 30_000, async () => (await muted(ada)) === false);
  await page.keyboard.up('Space');
  await until('and mutes again', 30_000, async () => (await muted(ada)) === true);

  await page.keyboard.press('t');
  await page.getByRole('heading', { name: 'Speaking time' }).waitFor();
  await page.keyboard.press('t');
  await page.getByRole('heading', { name: 'Speaking time' }).waitFor({ state: 'detached' });
  for (const [key, reaction] of [['t', 'like'], ['c', 'clap'], ['l', 'laugh'], ['o', 'surprised'], ['b', 'boo'], ['s', 'silence']] as const) {
    const flies = page.locator(`.fly[data-reaction="${reaction}"]`).waitFor();
    await page.keyboard.press(`Alt+${key}`);
    await flies;
  }
  expect(await page.getByRole('heading', { name: 'Speaking time' }).count(), 'Alt+T is not T').toBe(0);
  expect(await muted(ada)).toBe(true);

  await page.keyboard.press('c');
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  await page.keyboard.type('vvv ? is no shortcut here');
  await page.keyboard.press('Enter');
  await until('the chat has it', 30_000, () => ada.hasChat('vvv ? is no shortcut here'));
  expect(await muted(ada)).toBe(true);
  await page.keyboard.press('Escape');

  // Kept over a reload; then the original ones, then none at all.
  await ada.join(`${box.url}/all-keys`);
  await until('the microphone is on again', 30_000, async () => (await muted(ada)) === false);
  await page.keyboard.press('v');
  await until('V still mutes', 30_000, async () => (await muted(ada)) === true);
  await page.keyboard.press('?');
  await reach(ada, 'button', 'Use the original keys');
  await page.keyboard.press('Enter');
  await help.getByRole('button', { name: 'Change the key for: Microphone on or off: M' }).waitFor();
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'detached' });
  await page.keyboard.press('m');
  await until('M unmutes', 30_000, async () => (await muted(ada)) === false);
  await page.keyboard.press('?');
  await reach(ada, 'checkbox', 'Keyboard shortcuts');
  await page.keyboard.press('Space');
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'detached' });
  await page.keyboard.press('m');
  await page.keyboard.press('?');
  expect(await help.count(), 'switched off').toBe(0);
  expect(await muted(ada)).toBe(false);

  await reach(ada, 'button', 'Leave meeting');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
});

test('every key does what it does in Jitsi Meet', async () => {
  const ada = await open('Ada', { viewport: { width: 1280, height: 800 } });
  const { page } = ada;
  await ada.join(`${box.url}/each-key`);
  const ben = await open('Ben');
  await ben.join(`${box.url}/each-key`);
  await ada.tile('Ben').waitFor();
  const me = async () => (await ada.state()).participants[0];
  const tiles = (n: number) => until(`${n} pictures`, 30_000, async () => (await page.locator('.tile').count()) === n);

  await page.keyboard.press('p');
  await page.getByRole('complementary', { name: 'People (2)' }).waitFor();
  await page.keyboard.press('p');
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  await until('the camera is on', 30_000, async () => (await me())?.videoMuted === false);
  await page.keyboard.press('v');
  await until('V turns the camera off', 30_000, async () => (await me())?.videoMuted === true);
  await page.keyboard.press('v');
  await until('and on', 30_000, async () => (await me())?.videoMuted === false);
  await page.keyboard.press('d');
  await page.getByText('Everybody sees your screen.').first().waitFor();
  await ben.page.locator('.tile-stage[data-picture="screen"]').waitFor();
  await page.keyboard.press('d');
  await ben.page.locator('[data-picture="screen"]').waitFor({ state: 'detached' });
  await page.keyboard.press('r');
  await ben.tile('Ada').locator('.tile-hand').waitFor();
  await page.keyboard.press('r');
  await ben.tile('Ada').locator('.tile-hand').waitFor({ state: 'detached' });

  await page.keyboard.press('w');
  await page.locator('.tile-stage').waitFor();
  await tiles(2);
  await page.keyboard.press('f');
  await tiles(1);
  await page.keyboard.press('f');
  await tiles(2);
  await page.keyboard.press('w');
  await page.locator('.tile-stage').waitFor({ state: 'detached' });
  await page.keyboard.press('s');
  await until('S is full screen', 30_000, () => page.evaluate(() => document.fullscreenElement !== null));
  await page.keyboard.press('s');
  await until('and back', 30_000, () => page.evaluate(() => document.fullscreenElement === null));
  await page.keyboard.press('a');
  await page.getByRole('dialog', { name: 'Connection' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});
