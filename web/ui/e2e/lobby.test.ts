// A guest waits in front of the meeting until a moderator opens the door, or does not.

import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 800 } };
const { open } = cast(box.url);

test('knock, wait, be let in; knock, be turned away', async () => {
  const room = `${box.url}/harbour-board`;
  const host = await open('Bridge deck', desktop);
  await host.join(room);
  await until('Bridge deck is moderator', 30_000, async () => (await host.state()).participants[0]?.moderator === true);
  await host.page.getByRole('button', { name: 'More' }).click();
  await host.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  const dialog = host.page.getByRole('dialog', { name: 'Lobby and password' });
  await dialog.getByRole('checkbox', { name: /^Lobby/ }).check();
  expect(await barriers(host.page)).toEqual([]);
  await shoot(host.page, 'lobby-switch-desktop-light');
  await dialog.getByRole('button', { name: 'Close' }).click();

  const guest = await open('Front desk', phone);
  await guest.page.goto(room);
  await guest.page.getByLabel('Your name').fill('Front desk');
  await guest.page.getByRole('button', { name: 'Join meeting' }).click();
  await guest.page.getByRole('heading', { name: 'Asking to be let in' }).waitFor();
  await shoot(guest.page, 'lobby-waiting-phone-light');
  expect(await fits(guest.page)).toBe(true);
  expect(await barriers(guest.page)).toEqual([]);

  const knock = host.page.getByRole('region', { name: 'Waiting to come in' });
  await knock.getByText('Front desk wants to come in.').waitFor();
  await shoot(host.page, 'lobby-knock-desktop-light');
  expect(await barriers(host.page)).toEqual([]);
  await knock.getByRole('button', { name: 'Let in' }).click();
  await guest.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await knock.waitFor({ state: 'hidden' });
  await allSee([host, guest], 90_000);

  const other = await open('Kitchen', phone);
  await other.page.goto(room);
  await other.page.getByLabel('Your name').fill('Kitchen');
  await other.page.getByRole('button', { name: 'Join meeting' }).click();
  await knock.getByText('Kitchen wants to come in.').waitFor();
  expect(await guest.page.getByText('Kitchen wants to come in.').count(), 'only moderators see who knocks').toBe(0);
  await knock.getByRole('button', { name: 'Turn away' }).click();
  await other.page.getByRole('heading', { name: 'You were not let in' }).waitFor();
  await shoot(other.page, 'lobby-denied-phone-light');
  expect(await barriers(other.page)).toEqual([]);
  await knock.waitFor({ state: 'hidden' });

  // The lobby is switched off while somebody waits: they come in.
  const third = await open('Radio room', phone);
  await third.page.goto(room);
  await third.page.getByLabel('Your name').fill('Radio room');
  await third.page.getByRole('button', { name: 'Join meeting' }).click();
  await knock.getByText('Radio room wants to come in.').waitFor();
  await host.page.getByRole('button', { name: 'More' }).click();
  await host.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  await dialog.getByRole('checkbox', { name: /^Lobby/ }).uncheck();
  await third.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
});
