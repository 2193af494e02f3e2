// Breakout rooms: opened, named, filled, entered and left by hand, and everybody brought back.

import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, type Guest, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };
const patience = { timeout: 300_000 };

async function panel(guest: Guest): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).click();
  await guest.page.getByRole('menuitem', { name: 'Breakout rooms' }).click();
}

const names = async (guest: Guest) => (await guest.state()).participants.map((p) => p.name).toSorted();
const together = (guest: Guest, ...who: readonly string[]) =>
  until(`${guest.name} is with ${who.join(' and ')}`, 60_000, async () => JSON.stringify(await names(guest)) === JSON.stringify(who.toSorted()));

test('rooms are opened, named, filled, visited and closed', patience, async () => {
  const room = `${box.url}/workshop-day`;
  const ada = await open('Ada', desktop);
  await ada.join(room);
  const ben = await open('Ben', phone);
  await ben.join(room);
  const cleo = await open('Cleo', desktop);
  await cleo.join(room);
  await together(ada, 'Ada', 'Ben', 'Cleo');
  await ada.chat('said to all');

  await panel(ada);
  await shoot(ada.page, 'breakouts-empty-desktop-light');
  await ada.page.getByRole('button', { name: 'Add a room' }).click();
  await ada.page.getByRole('region', { name: 'Room 1' }).waitFor();
  await ada.page.getByRole('button', { name: 'Manage Room 1' }).click();
  await ada.page.getByRole('menuitem', { name: 'Rename Room 1' }).click();
  await ada.page.getByRole('textbox', { name: 'Name of the room' }).fill('Harbour');
  await ada.page.keyboard.press('Enter');
  await ada.page.getByRole('region', { name: 'Harbour' }).waitFor();
  await ada.page.getByRole('button', { name: 'Add a room' }).click();
  await ada.page.getByRole('region', { name: 'Room 2' }).waitFor();

  // One is sent, and sees where they are.
  await ada.page.getByRole('button', { name: 'Send Ben to' }).click();
  await ada.page.getByRole('menuitem', { name: 'Harbour' }).click();
  await ben.page.getByText('You were sent to Harbour.').first().waitFor();
  await ben.page.getByText('You are in Harbour.').waitFor();
  await together(ben, 'Ben');
  await together(ada, 'Ada', 'Cleo');
  await ben.page.getByRole('heading', { name: 'You are alone in this room' }).waitFor();
  await ben.page.getByText('The others are in other rooms of this meeting.').waitFor();
  await shoot(ben.page, 'breakouts-alone-phone-dark');
  expect(await fits(ben.page)).toBe(true);
  expect(await barriers(ben.page)).toEqual([]);

  // One goes there by themselves; the two see and read each other, and nobody else does.
  await panel(cleo);
  await cleo.page.getByRole('button', { name: 'Go to Harbour' }).click();
  await together(cleo, 'Ben', 'Cleo');
  await allSee([ben, cleo], 90_000);
  await ada.page.locator('.panel').getByRole('button', { name: 'Close', exact: true }).click();
  await ada.page.getByRole('heading', { name: 'You are alone in this room' }).waitFor();
  await shoot(ada.page, 'breakouts-alone-desktop-light');
  await ada.page.getByRole('button', { name: 'See who is where' }).click();
  await cleo.chat('just between us');
  await until('Ben reads it', 30_000, () => ben.hasChat('just between us'));
  expect(await ada.hasChat('just between us')).toBe(false);
  expect(await ben.hasChat('said to all'), 'the main room’s chat stays there').toBe(false);
  await ada.page.getByRole('region', { name: 'Harbour' }).getByText('Cleo').waitFor();
  await shoot(ada.page, 'breakouts-desktop-light');
  await panel(ben);
  await shoot(ben.page, 'breakouts-phone-dark');
  expect(await fits(ben.page)).toBe(true);
  for (const guest of [ada, ben, cleo]) expect(await barriers(guest.page)).toEqual([]);
  await ben.page.getByRole('button', { name: 'Close' }).click();

  // Back by hand, and the former chat with it.
  await cleo.page.getByRole('button', { name: 'Back to the main room' }).click();
  await together(cleo, 'Ada', 'Cleo');
  await until('Cleo has the main room’s chat again', 30_000, () => cleo.hasChat('said to all'));
  await allSee([ada, cleo], 90_000);

  // Closing the room brings Ben back.
  await ada.page.getByRole('button', { name: 'Manage Harbour' }).click();
  await ada.page.getByRole('menuitem', { name: 'Close Harbour' }).click();
  await together(ben, 'Ada', 'Ben', 'Cleo');

  // Spread over the rooms, and all brought back.
  await ada.page.getByRole('button', { name: 'Add a room' }).click();
  await ada.page.getByRole('region', { name: 'Room 3' }).waitFor();
  await ada.page.getByRole('button', { name: 'Spread people over the rooms' }).click();
  await together(ben, 'Ben');
  await together(cleo, 'Cleo');
  await ada.page.getByRole('button', { name: 'Bring everybody back' }).click();
  for (const guest of [ada, ben, cleo]) await together(guest, 'Ada', 'Ben', 'Cleo');
  await allSee([ada, ben, cleo], 90_000);
});
