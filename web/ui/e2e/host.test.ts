// A box whose meetings are opened by people with an account: guests wait, the host logs in from the
// page, and then lobby and password are in force for who comes later.

import { expect, test } from 'vitest';
import { addUser } from './box.ts';
import { cast, ownBox } from './cast.ts';
import { allSee, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = ownBox('log-host', 'create=users');
const { open } = cast(() => box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };

test('a guest waits for the host, who logs in; then lobby and password hold', { timeout: 300_000 }, async () => {
  const password = 'three lamps at the gate';
  await addUser(box.box, 'chair', password);
  const room = `${box.url}/board`;
  const knock = async (name: string) => {
    const guest = await open(name, phone);
    await guest.page.goto(room);
    await guest.page.getByLabel('Your name').fill(name);
    await guest.page.getByRole('button', { name: 'Join meeting' }).click();
    return guest;
  };
  const guest = await knock('Front desk');
  await guest.page.getByRole('heading', { name: 'Waiting for the host' }).waitFor();
  await shoot(guest.page, 'host-waiting-phone-dark');
  expect(await fits(guest.page)).toBe(true);
  expect(await barriers(guest.page)).toEqual([]);

  const host = await open('Chair', desktop);
  await host.page.goto(room);
  await host.page.getByLabel('Your name').fill('Chair');
  await host.page.getByRole('button', { name: 'Join meeting' }).click();
  await host.page.getByRole('button', { name: 'I am the host' }).click();
  await host.page.getByLabel('User name').fill('chair');
  await host.page.getByLabel('Password').fill('not this one');
  await host.page.getByRole('button', { name: 'Log in' }).click();
  await host.page.getByText('The user name or the password is not right.').waitFor();
  await shoot(host.page, 'host-login-desktop-light');
  expect(await barriers(host.page)).toEqual([]);
  await host.page.getByLabel('Password').fill(password);
  await host.page.keyboard.press('Enter');
  await host.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await until('the host moderates', 15_000, async () => (await host.state()).participants[0]?.moderator === true);

  // The guest comes in by itself, and does not moderate.
  await guest.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await allSee([host, guest], 60_000);
  expect((await guest.state()).participants[0]?.moderator).toBe(false);

  // Lobby and password together: who knows the password still has to be let in.
  await host.page.getByRole('button', { name: 'More' }).click();
  await host.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  const dialog = host.page.getByRole('dialog', { name: 'Lobby and password' });
  await dialog.getByRole('textbox', { name: 'Password' }).fill('sesame');
  await dialog.getByRole('button', { name: 'Set a password' }).click();
  await host.page.locator('.room-lock').waitFor();
  if (await dialog.isHidden()) {
    await host.page.getByRole('button', { name: 'More' }).click();
    await host.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  }
  await dialog.getByRole('checkbox', { name: /^Lobby/ }).check();
  await dialog.getByRole('button', { name: 'Close' }).click();
  const late = await knock('Kitchen');
  await late.page.getByRole('heading', { name: /Asking to be let in|This meeting has a password/ }).waitFor();
  if (await late.page.getByRole('heading', { name: 'This meeting has a password' }).isVisible()) {
    await late.page.getByLabel('Password').fill('sesame');
    await late.page.keyboard.press('Enter');
    await late.page.getByRole('heading', { name: 'Asking to be let in' }).waitFor();
  }
  await host.page.getByRole('region', { name: 'Waiting to come in' }).getByRole('button', { name: 'Let in' }).click();
  await late.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
});
