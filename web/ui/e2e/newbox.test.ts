// A box nobody owns yet: the whole way of its first administrator, up to a guest who is let in; how a device
// comes to trust it; and people who sign in with what they have elsewhere.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { certificate } from './authority.ts';
import { type Box, freeTcp, setupCode, startBox } from './box.ts';
import { saved } from './console.ts';
import { allSee, Guest, launch, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';
import { allow, watch } from './network.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 800 } };
const password = 'seven lamps along the pier';
let box: Box;
let end: () => Promise<void>;
let browser: Browser;
let folder: string;
let people: Guest[] = [];
const programs: ChildProcess[] = [];

beforeAll(async () => {
  ({ box, stop: end } = await startBox('log-new'));
  allow(box.url, box.plainUrl, box.consoleUrl);
  browser = await launch();
  folder = await mkdtemp(path.join(tmpdir(), 'mb-new-'));
});
afterAll(async () => {
  await browser.close();
  for (const program of programs) program.kill('SIGKILL');
  await end();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  const faults = people.flatMap((p) => p.faults.map((fault) => `${p.name}: ${fault}`));
  await Promise.all(people.map((p) => p.close()));
  people = [];
  expect(faults).toEqual([]);
});

async function open(url: string, name: string, options = desktop, sitter: number | null = null): Promise<Guest> {
  const guest = await Guest.open(browser, url, name, options, sitter);
  people.push(guest);
  return guest;
}

async function look(page: Page, picture: string): Promise<void> {
  await shoot(page, picture);
  expect(await fits(page), `${picture} fits`).toBe(true);
  expect(await barriers(page), picture).toEqual([]);
}

test('from an unclaimed box to a guest who is let in from the lobby', async () => {
  const { page } = await open(box.consoleUrl, 'Harbour master');
  await page.goto(box.consoleUrl);
  await page.getByRole('heading', { name: 'Welcome' }).waitFor();
  await look(page, 'walk-01-welcome');
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByLabel('Setup code').fill(await setupCode(box));
  await page.getByLabel('Name').fill('Harbour master');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await look(page, 'walk-02-owner');
  await page.getByRole('button', { name: 'Become the owner' }).click();
  await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
  await look(page, 'walk-03-codes');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('The box and this computer agree.').waitFor();
  await page.getByLabel('Name of the box').fill('harbour');
  await look(page, 'walk-04-name-and-time');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('heading', { name: 'Network', level: 1 }).waitFor();
  await look(page, 'walk-05-network');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('heading', { name: 'Trust', level: 1 }).waitFor();
  await look(page, 'walk-06-trust');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Make a test call' }).click();
  await page.getByText('It works: picture and sound went both ways.').waitFor();
  await look(page, 'walk-07-test-call');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('heading', { name: 'Ready' }).waitFor();
  await look(page, 'walk-08-ready');
  const room = (await page.getByRole('link', { name: 'Open your first meeting' }).getAttribute('href')) ?? '';
  expect(room).toBe(`${box.url}/first-meeting`);

  const host = await open(box.url, 'Harbour master', desktop, 0);
  await host.join(room);
  await until('the first one moderates', 30_000, async () => (await host.state()).participants[0]?.moderator === true);
  await host.page.getByRole('button', { name: 'More' }).click();
  await host.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  const dialog = host.page.getByRole('dialog', { name: 'Lobby and password' });
  await dialog.getByRole('checkbox', { name: /^Lobby/ }).check();
  await dialog.getByRole('button', { name: 'Close' }).click();
  const guest = await open(box.url, 'Pilot', phone, 1);
  await guest.page.goto(room);
  await guest.page.getByLabel('Your name').fill('Pilot');
  await guest.page.getByRole('button', { name: 'Join meeting' }).click();
  await guest.page.getByRole('heading', { name: 'Asking to be let in' }).waitFor();
  await look(guest.page, 'walk-09-guest-waits');
  const knock = host.page.getByRole('region', { name: 'Waiting to come in' });
  await knock.getByText('Pilot wants to come in.').waitFor();
  await look(host.page, 'walk-10-somebody-knocks');
  await knock.getByRole('button', { name: 'Let in' }).click();
  await guest.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await allSee([host, guest], 90_000);
  await shoot(host.page, 'walk-11-meeting');
  await shoot(guest.page, 'walk-12-meeting-phone');
  await page.getByRole('button', { name: 'Go to the console' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.getByText('first-meeting').first().waitFor();
  await look(page, 'walk-13-overview');
});

test('the trust page turns green by itself when the device trusts the box', async () => {
  // A device of its own: its home has the list of authorities that Chromium believes beside its own.
  const home = path.join(folder, 'home');
  const [store, profile] = [path.join(home, '.pki', 'nssdb'), path.join(home, 'profile')];
  await mkdir(store, { recursive: true });
  await run('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
  const device = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['MEETBOX_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home },
    ignoreHTTPSErrors: false,
    ...desktop,
  });
  watch(device);
  try {
    const page = await device.newPage();
    await page.goto(`${box.plainUrl}/trust`);
    await page.getByText('Not yet. This page notices by itself.').waitFor();
    await page.evaluate(() => {
      (globalThis as unknown as { mark: string }).mark = 'the same page';
    });
    await look(page, 'trust-real-before');
    const file = path.join(folder, 'ca.crt');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^Get the/ }).click()]);
    await download.saveAs(file);
    await run('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'meetbox', '-i', file]);
    // Chromium remembers a refusal for half an hour unless it was itself that took the certificate up. Its
    // network process forgets; the page stays as it is.
    for (const pid of await networkProcesses(profile)) process.kill(pid, 'SIGKILL');
    await page.getByText('This device trusts the box.').waitFor({ timeout: 90_000 });
    expect(await page.evaluate(() => (globalThis as unknown as { mark?: string }).mark), 'the page was not loaded again').toBe('the same page');
    await look(page, 'trust-real-after');
    await page.getByRole('link', { name: 'Go to the meetings' }).click();
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(new URL(page.url()).origin).toBe(box.url);
    expect(await page.evaluate(() => isSecureContext)).toBe(true);
  } finally {
    await device.close();
  }
});

/** The network process of the browser with that profile. */
async function networkProcesses(profile: string): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(all.map(async (pid) => [Number(pid), await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const));
  return lines.filter(([, line]) => line.includes('network.mojom.NetworkService') && line.includes(`--user-data-dir=${profile}`)).map(([pid]) => pid);
}

test('the support bundle is seen before it is given away', async () => {
  const { page } = await open(box.consoleUrl, 'Harbour master', phone);
  await signIn(page);
  await page.goto(`${box.consoleUrl}/#/diagnostics`);
  const card = page.getByRole('region', { name: 'Support bundle' });
  await card.getByRole('button', { name: 'See what would be in it' }).click();
  const log = card.getByText('Contents of log-appliance.txt');
  await log.click();
  await card.getByText('certificate issued').first().waitFor();
  await card.getByRole('switch', { name: /^log-web\.txt/ }).or(card.getByRole('checkbox', { name: /^log-web\.txt/ })).uncheck();
  await log.click();
  await shoot(page, 'console-support-phone-light', true);
  expect(await fits(page)).toBe(true);
  expect(await barriers(page)).toEqual([]);
  const saved = page.waitForEvent('download');
  await card.getByRole('link', { name: /as a ZIP$/ }).click();
  const bundle = path.join(folder, 'support.zip');
  await (await saved).saveAs(bundle);
  const inside = await readFile(bundle, 'latin1');
  expect(inside).toContain('log-appliance.txt');
  expect(inside).not.toContain('log-web.txt');
  expect(inside).not.toContain(password);
});

test('OpenID Connect: set up, tried, signed in with', async () => {
  const port = await freeTcp();
  const authority = path.join(folder, 'provider');
  await mkdir(authority);
  await certificate(authority);
  await run('go', ['build', '-o', path.join(folder, 'oidc'), './oidc'], { cwd: path.join(root, 'scripts', 'pebble') });
  programs.push(
    spawn(path.join(folder, 'oidc'), ['-listen', `127.0.0.1:${port}`, '-cert', path.join(authority, 'crt'), '-key', path.join(authority, 'key'), '-redirect', `${box.consoleUrl}/signed-in`], { stdio: 'ignore' }),
  );
  allow(`https://localhost:${port}`); // the one that the owner names
  const owner = await open(box.consoleUrl, 'Harbour master');
  const { page } = owner;
  await signIn(page);
  await page.goto(`${box.consoleUrl}/#/directory`);
  const form = page.getByRole('group', { name: 'OpenID Connect' });
  await form.getByLabel('Provider').fill(`https://localhost:${port}`);
  await form.getByLabel('Client ID').fill('meetbox');
  await form.getByLabel('Certificate of its authority (PEM)').fill(await readFile(path.join(authority, 'ca'), 'utf8'));
  await form.getByLabel('What the button says').fill('the office');
  // Without a group nobody could sign in: said beside the field, and nothing is lost.
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Name at least one group and its role').waitFor();
  expect(await form.getByLabel('Client ID').inputValue()).toBe('meetbox');
  await form.getByRole('button', { name: 'Add a group' }).click();
  await form.getByLabel('Group', { exact: true }).fill('meetbox-admins');
  await form.getByLabel('Role').selectOption('admin');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await saved(page);
  await page.getByLabel('Client secret').fill('between us');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByText('One is kept. Type a new one').waitFor();
  await until('the provider is there', 90_000, async () => {
    await page.getByRole('button', { name: 'Try OpenID Connect' }).click();
    return await page.getByText('Every link holds.').waitFor({ timeout: 4000 }).then(
      () => true,
      () => false,
    );
  });
  await look(page, 'console-directory-desktop-light');
  await page.setViewportSize(phone.viewport);
  await shoot(page, 'console-directory-phone-light', true);
  expect(await fits(page)).toBe(true);
  // The server of another kind is tried too, and what is wrong is said in words.
  const ldap = page.getByRole('group', { name: 'LDAP or Active Directory' });
  await ldap.getByLabel('Server').fill(`ldaps://localhost:${await freeTcp()}`);
  await ldap.getByLabel('Where people are (base DN)').fill('dc=example,dc=org');
  await ldap.getByRole('button', { name: 'Add a group' }).click();
  await ldap.getByLabel('Group', { exact: true }).fill('*');
  await page.getByRole('button', { name: 'Try LDAP' }).click();
  await page.getByText('Nothing listens there.').first().waitFor();
  await look(page, 'console-directory-broken-phone-light');

  // Somebody else's browser. The provider's page is another origin, which is meant here.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...desktop, colorScheme: 'dark' });
  try {
    const ada = await context.newPage();
    await ada.goto(box.consoleUrl);
    await ada.getByRole('button', { name: 'Sign in with the office' }).waitFor();
    await look(ada, 'console-sign-in-provider-desktop-dark');
    const enter = async (name: string) => {
      await ada.getByRole('button', { name: 'Sign in with the office' }).click();
      await ada.locator('input[name=username]').fill(name);
      await ada.locator('input[name=password]').fill('verysecure');
      await ada.locator('button[type=submit]').click();
    };
    await enter('ben');
    await ada.getByText('None of your groups has a role on this box').waitFor();
    await enter('ada');
    await ada.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    expect(new URL(ada.url()).pathname).toBe('/');
    await ada.getByText('ada', { exact: true }).waitFor();
    const cookies = await context.cookies(box.consoleUrl);
    const own = cookies.filter((c) => c.name.startsWith('__Host-meetbox'));
    expect(own.map((c) => [c.name, c.sameSite, c.secure, c.httpOnly, c.path])).toEqual([['__Host-meetbox', 'Strict', true, true, '/']]);
    await ada.goto(`${box.consoleUrl}/#/people`);
    await ada.getByRole('cell', { name: 'OpenID Connect' }).waitFor();
    await look(ada, 'console-people-directory-desktop-dark');
    // Who gives groups their roles is the owner's to say.
    await ada.goto(`${box.consoleUrl}/#/directory`);
    await ada.getByText('Your role lets you look at this, not change it.').waitFor();
  } finally {
    await context.close();
  }
});

async function signIn(page: Page): Promise<void> {
  await page.goto(box.consoleUrl);
  await page.getByLabel('Name').fill('Harbour master');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
}
