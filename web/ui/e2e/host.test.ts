// A box whose meetings are opened by people with an account: guests wait, the host logs in from the
// page, and then lobby and password are in force for who comes later. People whom a directory knows
// log in there, too.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { addUser, ownerPassword } from './box.ts';
import { cast, owner, ownBox } from './cast.ts';
import { look, saved, signIn } from './console.ts';
import { allSee, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';
import { base, groups, people, reader, startDirectory } from './slapd.ts';

const box = ownBox('log-host', 'create=users');
const { open } = cast(() => box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };

test('a guest waits for the host, who logs in; then lobby and password hold', { timeout: 300_000 }, async () => {
  const password = 'three lamps at the gate';
  await addUser(box.box, 'chair', password);
  // Of a camera that a page holds without a look at it, Chromium gives other pages nothing at times.
  const guest = await open('Front desk', phone, 1);
  await knock(guest.page, 'board', 'Front desk');
  await guest.page.getByRole('heading', { name: 'Waiting for the host' }).waitFor();
  await shoot(guest.page, 'host-waiting-phone-dark');
  expect(await fits(guest.page)).toBe(true);
  expect(await barriers(guest.page)).toEqual([]);

  const host = await open('Chair', desktop);
  await knock(host.page, 'board', 'Chair');
  await host.page.getByRole('button', { name: 'I am the host' }).click();
  await logIn(host.page, 'chair', 'not this one');
  await host.page.getByText('The user name or the password is not right.').waitFor();
  await shoot(host.page, 'host-login-desktop-light');
  expect(await barriers(host.page)).toEqual([]);
  await host.page.getByLabel('Password').fill(password);
  await host.page.keyboard.press('Enter');
  await host.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await until('the host moderates', 30_000, async () => (await host.state()).participants[0]?.moderator === true);

  // The guest comes in by itself, and does not moderate.
  await guest.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await allSee([host, guest], 90_000);
  expect((await guest.state()).participants[0]?.moderator).toBe(false);

  // Lobby and password together: who knows the password still has to be let in.
  const dialog = await lock(host.page, 'sesame');
  await host.page.getByRole('button', { name: 'More' }).click();
  await host.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  await dialog.getByRole('checkbox', { name: /^Lobby/ }).check();
  await dialog.getByRole('button', { name: 'Close' }).click();
  const late = await open('Kitchen', phone);
  await knock(late.page, 'board', 'Kitchen');
  await late.page.getByRole('heading', { name: /Asking to be let in|This meeting has a password/ }).waitFor();
  if (await late.page.getByRole('heading', { name: 'This meeting has a password' }).isVisible()) {
    await late.page.getByLabel('Password').fill('sesame');
    await late.page.keyboard.press('Enter');
    await late.page.getByRole('heading', { name: 'Asking to be let in' }).waitFor();
  }
  await host.page.getByRole('region', { name: 'Waiting to come in' }).getByRole('button', { name: 'Let in' }).click();
  await late.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
});

test('who guesses a meeting’s password is slowed down; who knows it comes in afterwards', { timeout: 300_000 }, async () => {
  const password = 'four boats in a row';
  await addUser(box.box, 'skipper', password);
  const host = await open('Skipper', desktop);
  await knock(host.page, 'harbour', 'Skipper');
  await host.page.getByRole('button', { name: 'I am the host' }).click();
  await logIn(host.page, 'skipper', password);
  await host.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await lock(host.page, 'sesame');

  const { page } = await open('Visitor', phone, 1);
  await knock(page, 'harbour', 'Visitor');
  const wrong = page.getByText('That is not the password. Try again.');
  const slow = page.getByText(/^Too many wrong attempts\. Try again in \d+ seconds?\.$/);
  const enter = async (guess: string) => {
    await page.getByLabel('Password').fill(guess);
    await page.getByRole('button', { name: 'Join meeting' }).click();
  };
  await until('guesses are slowed down', 60_000, async () => {
    await enter('open up');
    await wrong.or(slow).waitFor();
    return await slow.isVisible();
  });
  expect(await page.getByLabel('Password').inputValue(), 'what was not looked at').toBe('open up');
  await shoot(page, 'password-slow-phone-dark');
  expect(await fits(page)).toBe(true);
  expect(await barriers(page)).toEqual([]);
  const controls = page.getByRole('toolbar', { name: 'Meeting controls' });
  await until('it is over', 60_000, async () => {
    await enter('sesame');
    await controls.or(slow).waitFor();
    return await controls.isVisible();
  });
});

test('a person of a directory is the host; who is in no group, or guesses, is not', { timeout: 300_000 }, async () => {
  const directory = await startDirectory(box.box, [
    { uid: 'quay', name: 'Office at the quay', password: 'six gulls on a post', group: 'Hosts of meetings' },
    { uid: 'depot', name: 'Depot', password: 'two crates of rope', group: 'Everybody else' },
  ]);
  try {
    await setUp(directory.url);
    await operate();
    const guest = await open('Front desk', phone, 1);
    await knock(guest.page, 'depot', 'Front desk');
    await guest.page.getByRole('heading', { name: 'Waiting for the host' }).waitFor();
    // The password is right, the group is not: said to who knows the password, and only then.
    await guest.page.getByRole('button', { name: 'I am the host' }).click();
    await logIn(guest.page, 'depot', 'two crates of rope');
    await guest.page.getByText('you are in none of the groups that may begin meetings').waitFor();
    await shoot(guest.page, 'host-outside-phone-dark');
    expect(await fits(guest.page)).toBe(true);
    expect(await barriers(guest.page)).toEqual([]);

    const host = await open('Office at the quay', desktop);
    const { page } = host;
    await knock(page, 'depot', 'Somebody');
    await page.getByRole('button', { name: 'I am the host' }).click();
    const wrong = page.getByText('The user name or the password is not right.');
    await logIn(page, 'depot', 'not this one');
    await wrong.waitFor();
    const slow = page.getByText(/^Too many wrong attempts\. Try again in \d+ seconds?\.$/);
    await until('guesses are slowed down', 60_000, async () => {
      await logIn(page, 'quay', 'not this one');
      await wrong.or(slow).waitFor();
      return await slow.isVisible();
    });
    await shoot(page, 'host-slow-desktop-light');
    expect(await barriers(page)).toEqual([]);
    const controls = page.getByRole('toolbar', { name: 'Meeting controls' });
    await until('it is over', 60_000, async () => {
      await logIn(page, 'quay', 'six gulls on a post');
      await controls.or(slow).waitFor();
      return await controls.isVisible();
    });
    await until('the host moderates', 30_000, async () => (await host.state()).participants[0]?.moderator === true);
    // The meeting has begun for who waited, and everybody reads the name that the directory has.
    await guest.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
    await guest.page.getByText('Office at the quay').first().waitFor();
    await allSee([host, guest], 90_000);
    await expect.poll(async () => (await guest.state()).participants).toMatchObject([{ moderator: false }, { name: 'Office at the quay', moderator: true }]);
    await shoot(page, 'host-directory-desktop-light');
    await shoot(guest.page, 'host-directory-phone-dark');
    // Below a tenant's name it is another meeting, begun in the same way.
    await knock(page, 'North/depot', 'Somebody');
    await page.getByRole('button', { name: 'I am the host' }).click();
    await logIn(page, 'quay', 'six gulls on a post');
    await controls.waitFor();
    await until('the host moderates there', 30_000, async () => (await host.state()).participants[0]?.moderator === true);
  } finally {
    await directory.stop();
  }
});

async function knock(page: Page, room: string, name: string): Promise<void> {
  await page.goto(`${box.url}/${room}`);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join meeting' }).click();
}

/** The host sets a password; returns the dialog, which has closed by then. */
async function lock(page: Page, password: string): Promise<Locator> {
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  const dialog = page.getByRole('dialog', { name: 'Lobby and password' });
  await dialog.getByRole('textbox', { name: 'Password' }).fill(password);
  await dialog.getByRole('button', { name: 'Set a password' }).click();
  await page.locator('.room-lock').waitFor();
  await dialog.waitFor({ state: 'detached' });
  return dialog;
}

async function logIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** The directory's people sign in to the console with the role of their group, and without a group not at all. */
async function operate(): Promise<void> {
  const { page } = await open('Quay', desktop, null, box.box.consoleUrl);
  await page.goto(box.box.consoleUrl);
  await signIn(page, 'depot', 'two crates of rope');
  await page.locator('.note-bad').waitFor();
  await signIn(page, 'quay', 'six gulls on a post');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.locator('.shell-me').getByText('Operator').waitFor();
  await look(page, 'console-ldap-desktop-light');
}

/** As its owner does it in the console. */
async function setUp(url: string): Promise<void> {
  const { page } = await open('Console', { ...desktop, colorScheme: 'dark' }, null, box.box.consoleUrl);
  await page.goto(`${box.box.consoleUrl}/#/directory`);
  await page.getByLabel('Name').fill(owner);
  await page.getByLabel('Password').fill(ownerPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  const ldap = page.getByRole('group', { name: 'LDAP or Active Directory' });
  await ldap.getByLabel('Server').fill(url);
  await ldap.getByLabel('Certificate of its authority (PEM)').fill(await readFile(path.join(box.box.state, 'run', 'tls', 'ca.crt'), 'utf8'));
  await ldap.getByLabel('The box’s own account there').fill(reader.dn);
  await ldap.getByLabel('Where people are (base DN)').fill(people);
  await ldap.getByLabel('Where groups are (base DN)').fill(groups);
  await ldap.getByRole('button', { name: 'Add a group' }).click();
  await ldap.getByLabel('Group', { exact: true }).fill('Hosts of meetings');
  await ldap.getByLabel('Role').selectOption('operator');
  await ldap.getByRole('checkbox', { name: /^Its people may begin meetings/ }).check();
  await ldap.getByLabel('Only people of these groups').fill('*');
  const save = page.getByRole('button', { name: 'Save', exact: true });
  await save.click();
  await ldap.getByText('Name no group at all when everybody may.').waitFor();
  await ldap.getByLabel('Only people of these groups').fill(`cn=board,${base}\nHosts of meetings`);
  await save.click();
  await saved(page);
  await page.getByLabel('Password of the box’s account').fill(reader.password);
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByText('One is kept. Type a new one').waitFor();
  await page.getByLabel('Name of a person').fill('quay');
  await page.getByRole('button', { name: 'Try LDAP' }).click();
  await page.getByText('quay could begin meetings, and moderate them.').waitFor();
  await shoot(page, 'console-directory-hosts-desktop-dark', true);
  expect(await barriers(page)).toEqual([]);
  await page.setViewportSize(phone.viewport);
  await shoot(page, 'console-directory-hosts-phone-dark', true);
  expect(await fits(page)).toBe(true);
}
