// Those who look after a box, and what an owner keeps of it: accounts and roles, the second factor, sessions,
// tokens and recovery codes; a backup and the way back; a certificate of another authority.

import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issuer } from './authority.ts';
import { ownerPassword, setSection } from './box.ts';
import { cast, owner, ownBox } from './cast.ts';
import { desktop, look, phone, signIn } from './console.ts';
import { until } from './guest.ts';

const run = promisify(execFile);
const box = ownBox('log-owners', 'max_participants=30');
const { open } = cast(() => box.box.consoleUrl);
const patience = { timeout: 300_000 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mb-owners-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function visit(page: Page, where: string): Promise<void> {
  await page.goto(`${box.box.consoleUrl}/#/${where}`);
}

async function signedIn(name: string, password: string, where: string): Promise<Page> {
  const { page } = await open(name, desktop);
  await visit(page, where);
  await signIn(page, name, password);
  await page.getByRole('heading', { level: 1 }).and(page.locator('.page h1')).waitFor();
  return page;
}

/** What an authenticator shows (RFC 6238), or will after so many half minutes. */
function sixDigits(key: string, ahead: number): string {
  const bits = [...key].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const raw = Buffer.from((bits.match(/.{8}/g) ?? []).map((b) => Number.parseInt(b, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const sum = createHmac('sha1', raw).update(step).digest();
  const code = sum.readUInt32BE((sum.at(-1) ?? 0) & 15) & 0x7f_ff_ff_ff;
  return String(code % 1_000_000).padStart(6, '0');
}

test('somebody gets an account, a second factor, another role, a token; and goes', patience, async () => {
  const page = await signedIn(owner, ownerPassword, 'people');
  const accounts = page.getByRole('region', { name: 'Accounts' });
  await accounts.getByRole('button', { name: 'Add an account' }).click();
  const add = page.getByRole('dialog', { name: 'Add an account' });
  await add.getByLabel('Name').fill('Desk');
  await add.getByLabel('Role').selectOption('viewer');
  await add.getByLabel('Password', { exact: true }).fill('too short');
  await add.getByRole('button', { name: 'Add an account' }).click();
  await add.getByText('Take at least').waitFor();
  await look(page, 'console-account-new-desktop-light');
  await add.getByLabel('Password', { exact: true }).fill('four chairs and a plant');
  await add.getByRole('button', { name: 'Add an account' }).click();
  const row = accounts.getByRole('row', { name: /^Desk/ });
  await row.getByText('Viewer').waitFor();

  // A viewer looks, and changes nothing.
  const desk = await signedIn('Desk', 'four chairs and a plant', 'rooms');
  await desk.getByText('Your role lets you look at this, not change it.').first().waitFor();
  await visit(desk, 'people');
  await desk.getByRole('button', { name: 'Authenticator' }).click();
  const second = desk.getByRole('dialog', { name: 'Authenticator' });
  await second.getByRole('button', { name: 'Set up an authenticator' }).click();
  const key = await second.getByLabel('Or type this key').inputValue();
  await look(desk, 'console-authenticator-desktop-light');
  await second.getByLabel('Six digits from your authenticator').fill('000000');
  await second.getByRole('button', { name: 'Use it from now on' }).click();
  await second.locator('.field-error').or(second.locator('.note-bad')).waitFor();
  await second.getByLabel('Six digits from your authenticator').fill(sixDigits(key, 0));
  await second.getByRole('button', { name: 'Use it from now on' }).click();
  await second.waitFor({ state: 'detached' });
  await desk.getByRole('button', { name: 'New recovery codes' }).click();
  const codes = desk.getByRole('dialog', { name: 'New recovery codes' });
  await codes.getByRole('button', { name: 'Make new codes' }).click();
  const code = await codes.getByRole('listitem').first().textContent();
  expect(await codes.getByRole('listitem').count()).toBe(8);
  await desk.keyboard.press('Escape');
  expect(await desk.getByRole('region', { name: 'API tokens' }).count()).toBe(0);

  // From now on the password alone is not enough.
  await desk.getByRole('button', { name: 'Sign out', exact: true }).click();
  await signIn(desk, 'Desk', 'four chairs and a plant');
  const digits = desk.getByLabel('Six digits from your authenticator');
  await digits.fill('000000');
  await desk.getByRole('button', { name: 'Sign in', exact: true }).click();
  await desk.getByText('The name, the password or the code is not right.').waitFor();
  await desk.setViewportSize(phone.viewport);
  await look(desk, 'console-sign-in-digits-phone-light');
  await desk.setViewportSize(desktop.viewport);
  await digits.fill(sixDigits(key, 1)); // the present ones have been used
  await desk.getByRole('button', { name: 'Sign in', exact: true }).click();
  await desk.getByRole('region', { name: 'Your account' }).waitFor();

  // The owner sees where, and ends it.
  await page.reload();
  await page.getByRole('region', { name: 'Signed-in browsers' }).getByRole('button', { name: /^Sign out Desk at/ }).click();
  await until('it is off the list', 30_000, async () => (await page.getByRole('button', { name: /^Sign out Desk at/ }).count()) === 0);
  await desk.reload();
  await desk.getByRole('heading', { name: 'Sign in to the console' }).waitFor();

  // The telephone with the authenticator is lost, and the password forgotten; a recovery code is left.
  await row.getByText('Yes').waitFor();
  await desk.getByRole('button', { name: 'Forgot your password?' }).click();
  await desk.getByLabel('Name').fill('Desk');
  await desk.getByLabel('Recovery code').fill((code ?? '').toLowerCase());
  await desk.getByLabel('New password').fill('five chairs and no plant');
  await look(desk, 'console-recover-desktop-light');
  await desk.getByRole('button', { name: 'Set password and sign in' }).click();
  await desk.getByRole('region', { name: 'Your account' }).waitFor();

  // Another role, at once; then a token for a program, which can no more than it says.
  await row.getByRole('button', { name: 'Change Desk' }).click();
  const change = page.getByRole('dialog', { name: 'Change Desk' });
  await change.getByLabel('Role').selectOption('operator');
  await change.getByRole('button', { name: 'Save' }).click();
  await row.getByText('Operator').waitFor();
  await desk.reload();
  const tokens = desk.getByRole('region', { name: 'API tokens' });
  await tokens.getByRole('button', { name: 'Make a token' }).click();
  const made = desk.getByRole('dialog', { name: 'Make a token' });
  await made.getByLabel('What it is for').fill('Display at the door');
  expect(await made.getByLabel('Role').getByRole('option').allTextContents()).toEqual(['Viewer', 'Operator']);
  await made.getByLabel('Scopes').fill('overview:read');
  await made.getByRole('button', { name: 'Make a token' }).click();
  const secret = await made.getByLabel('Secret').inputValue();
  await look(desk, 'console-token-desktop-light');
  await made.getByRole('button', { name: 'Close' }).click();
  const asProgram = (where: string) =>
    desk.evaluate(async ([url, token]) => (await fetch(String(url), { headers: { Authorization: `Bearer ${token}` }, credentials: 'omit' })).status, [where, secret]);
  expect(await asProgram('/api/v1/overview')).toBe(200);
  expect(await asProgram('/api/v1/meetings')).toBe(403);
  await tokens.getByRole('button', { name: 'Remove the token Display at the door' }).click();
  await tokens.getByText('There are none.').waitFor();
  expect(await asProgram('/api/v1/overview')).toBe(401);

  // Who only checks reads the log, and is not shown what is not theirs.
  await row.getByRole('button', { name: 'Change Desk' }).click();
  await change.getByLabel('Role').selectOption('auditor');
  await change.getByRole('button', { name: 'Save' }).click();
  await row.getByText('Auditor').waitFor();
  await visit(desk, 'audit');
  await desk.reload();
  await desk.getByText('The whole log is intact.').waitFor();
  await visit(desk, 'rooms');
  await desk.getByText('Your role lets you look at this, not change it.').first().waitFor();

  // The last owner can neither go nor become something else.
  for (const [how, press] of [['Change', 'Save'], ['Remove', 'Remove']] as const) {
    await accounts.getByRole('button', { name: `${how} ${owner}` }).click();
    const dialog = page.getByRole('dialog', { name: `${how} ${owner}` });
    if (how === 'Change') await dialog.getByLabel('Role').selectOption('admin');
    await dialog.getByRole('button', { name: press, exact: true }).click();
    await dialog.getByText('This is the last owner. Make somebody else an owner first.').waitFor();
    await look(page, `console-last-owner-${how.toLowerCase()}-desktop-light`);
    await dialog.getByRole('button', { name: how === 'Change' ? 'Close' : 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  await row.getByRole('button', { name: 'Remove Desk' }).click();
  await page.getByRole('dialog', { name: 'Remove Desk' }).getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
  await desk.reload();
  await desk.getByRole('heading', { name: 'Sign in to the console' }).waitFor();

  // All of it is in the log, which is whole, can be searched and taken away.
  await visit(page, 'audit');
  await page.getByText('The whole log is intact.').waitFor();
  await page.getByLabel('Filter').fill('recovered with a code');
  await until('one line is left', 30_000, async () => (await page.getByRole('table', { name: 'Lines' }).locator('tbody tr').count()) === 1);
  const saved = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export' }).click();
  const file = path.join(folder, 'audit.jsonl');
  await (await saved).saveAs(file);
  const lines = (await readFile(file, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { action: string });
  expect(lines.map((line) => line.action)).toEqual(expect.arrayContaining(['box claimed', 'token made', 'password recovered with a code']));
});

test('a backup is looked into, and brings back what was', patience, async () => {
  const page = await signedIn(owner, ownerPassword, 'backup');
  const backup = page.getByRole('region', { name: 'Backup', exact: true });
  await backup.getByLabel('Passphrase').fill('six words nobody else would say');
  const saved = page.waitForEvent('download');
  await backup.getByRole('button', { name: 'Download a backup' }).click();
  const file = path.join(folder, 'box.backup');
  await (await saved).saveAs(file);
  await setSection(box.box, 'console', 'idle_minutes=90');
  const idle = () => page.evaluate(async () => ((await (await fetch('/api/v1/settings/console')).json()) as { idle_minutes?: number }).idle_minutes);
  expect(await idle()).toBe(90);

  const restore = page.getByRole('region', { name: 'Restore' });
  await restore.getByLabel('Backup file').setInputFiles(file);
  await restore.getByLabel('Passphrase').fill('other words');
  await restore.getByRole('button', { name: 'Look into it' }).click();
  await restore.getByText('not the passphrase').waitFor();
  await restore.getByLabel('Passphrase').fill('six words nobody else would say');
  await restore.getByRole('button', { name: 'Look into it' }).click();
  await restore.getByText('The same as this box’s').waitFor();
  await restore.getByText(owner).waitFor();
  expect(await idle(), 'a look changes nothing').toBe(90);
  await page.setViewportSize(phone.viewport);
  await look(page, 'console-restore-phone-light', true);
  await page.setViewportSize(desktop.viewport);
  await restore.getByRole('button', { name: 'Restore' }).click();
  const sure = page.getByRole('dialog', { name: 'Restore' });
  await sure.getByText('Nobody is in a meeting now.').waitFor();
  await sure.getByRole('button', { name: 'Restore' }).click();
  await sure.waitFor({ state: 'detached' });
  await until('it is as it was', 30_000, async () => {
    await visit(page, 'backup');
    await page.reload();
    const door = page.getByRole('heading', { name: 'Sign in to the console' });
    await door.or(backup).waitFor();
    if (await door.isVisible()) await signIn(page, owner, ownerPassword);
    await backup.waitFor();
    return (await idle()) === undefined;
  });
});

test('a reset says whom it would disturb, wants to be meant, and leaves people and meetings', patience, async () => {
  const guest = await open('Kitchen', desktop, null, box.url);
  await guest.join(`${box.url}/kitchen`);
  const page = await signedIn(owner, ownerPassword, 'backup');
  const rules = () => page.evaluate(async () => ((await (await fetch('/api/v1/settings/rooms')).json()) as { max_participants?: number }).max_participants);
  expect(await rules()).toBe(30);
  const reset = page.getByRole('region', { name: 'Reset' });
  await reset.getByText('One person is in a meeting now.').waitFor();
  await reset.getByRole('button', { name: 'Reset' }).click();
  const sure = page.getByRole('dialog', { name: 'Reset' });
  await sure.getByText('One person is in a meeting now.').waitFor();
  const go = sure.getByRole('button', { name: 'Reset' });
  const field = sure.getByLabel(/^To be sure, type /);
  await field.fill('something else');
  expect(await go.isDisabled()).toBe(true);
  await page.setViewportSize(phone.viewport);
  await look(page, 'console-reset-phone-light');
  await page.setViewportSize(desktop.viewport);
  await field.fill('meetbox.local');
  await go.click();
  await sure.waitFor({ state: 'detached' });
  await until('the rules are as in a new box', 30_000, async () => (await rules()) === undefined);
  expect((await guest.state()).phase).toBe('joined');
  expect(await guest.reloaded()).toBe(false);
});

test('a certificate of the office’s authority, by a request of the box', patience, async () => {
  const page = await signedIn(owner, ownerPassword, 'certificates');
  const request = page.getByRole('region', { name: 'Request a certificate' });
  await request.getByLabel('Names and addresses').fill('not a name!');
  await request.getByRole('button', { name: 'Make a request' }).click();
  await request.locator('.field-error').waitFor();
  await request.getByLabel('Names and addresses').fill('localhost');
  await request.getByRole('button', { name: 'Make a request' }).click();
  await writeFile(path.join(folder, 'csr'), await request.getByLabel('Request (PEM): localhost').inputValue());
  const openssl = (...args: readonly string[]) => run('openssl', [...args], { cwd: folder });
  const authority = (name: string) => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', name, '-subj', `/CN=${name}`, '-days', '9');
  await authority('Office');
  await openssl('x509', '-req', '-in', 'csr', '-CA', 'Office', '-CAkey', 'Office.key', '-copy_extensions', 'copy', '-days', '9', '-out', 'crt');
  const read = (name: string) => readFile(path.join(folder, name), 'utf8');
  const upload = page.getByRole('region', { name: 'Use your own certificate' });
  const use = async (chain: string) => {
    await upload.getByLabel('Or the certificate with its chain (PEM)').fill(chain);
    await upload.getByRole('button', { name: 'Check and use' }).click();
  };
  // One that belongs to another key is not taken, and nothing is lost.
  await use(await read('Office'));
  await upload.locator('.field-error').or(upload.locator('.note-bad')).first().waitFor();
  await look(page, 'console-certificate-refused-desktop-light', true);
  expect(await issuer(box.url)).not.toBe('Office');
  await use((await read('crt')) + (await read('Office')));
  const site = page.getByRole('region', { name: 'From outside' });
  await site.waitFor();
  expect(await site.getByText('Renewed by itself').count(), 'nobody renews it').toBe(0);
  await until('the form below knows it', 30_000, () => page.getByLabel('An uploaded certificate').isChecked());
  await page.setViewportSize(phone.viewport);
  await look(page, 'console-certificate-site-phone-light', true);
  await page.setViewportSize(desktop.viewport);
  for (const url of [box.url, box.box.consoleUrl]) await until(`${url} shows it`, 30_000, async () => (await issuer(url)) === 'Office');
  await upload.getByRole('button', { name: 'Go back to the box’s own' }).click();
  await site.waitFor({ state: 'detached' });
  await until('the box vouches for itself again', 30_000, async () => (await issuer(box.url)) !== 'Office');
});

test('who guesses passwords is slowed down, and told so', patience, async () => {
  const { page } = await open('Stranger', phone);
  await visit(page, '');
  const wrong = page.getByText('The name, the password or the code is not right.');
  const slow = page.getByText(/^There were too many wrong attempts from your address\. Try again in [1-9]\d*s\.$/);
  await until('it is slowed down', 60_000, async () => {
    await signIn(page, owner, 'not this one');
    await wrong.or(slow).waitFor();
    return await slow.isVisible();
  });
  await look(page, 'console-sign-in-slow-phone-dark');
  expect(await page.getByLabel('Name').inputValue()).toBe(owner);
  await until('it is over', 60_000, async () => {
    await signIn(page, owner, ownerPassword);
    const inside = page.getByRole('heading', { level: 1, name: 'Overview' });
    await inside.or(slow).waitFor();
    return await inside.isVisible();
  });
});
