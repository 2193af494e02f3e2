// A box that needs looking after: what it says of itself on the first page, a certificate from an authority of the
// site that is there or not, an update file where nothing can be updated.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificate, issuer } from './authority.ts';
import { freeTcp, ownerPassword, pause } from './box.ts';
import { cast, owner, ownBox } from './cast.ts';
import { desktop, look, phone, signIn } from './console.ts';
import { until } from './guest.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const box = ownBox('log-care');
const { open } = cast(() => box.box.consoleUrl);
const patience = { timeout: 300_000 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mb-care-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function go(page: Page, where: string): Promise<void> {
  await page.goto(`${box.box.consoleUrl}/#/${where}`);
}

async function signedIn(options: typeof desktop | typeof phone, where: string, name = owner, password = ownerPassword): Promise<Page> {
  const { page } = await open(name, options);
  await go(page, where);
  await signIn(page, name, password);
  await page.locator('.page h1').waitFor();
  return page;
}

test('what needs attention comes first, leads to where it can be mended, and goes', patience, async () => {
  const page = await signedIn(phone, '');
  const list = page.getByRole('region', { name: 'What needs attention' });
  await list.getByText('Everything works.').waitFor();
  const goOn = await pause(box.box, 'focus');
  try {
    await list.getByText(/^focus: /).waitFor();
    expect(await list.getByText('Everything works.').count()).toBe(0);
    await look(page, 'console-attention-phone-dark');
    await list.getByRole('link', { name: 'Have a look' }).click();
    await page.getByRole('heading', { level: 1, name: 'Logs' }).waitFor();
  } finally {
    goOn();
  }
  await page.goBack();
  await list.getByText('Everything works.').waitFor();
});

test('where nothing can be updated, an update file is refused in words, and nothing else happens', patience, async () => {
  const page = await signedIn(desktop, 'update');
  const version = await page.getByRole('region', { name: 'Running now' }).textContent();
  const card = page.getByRole('region', { name: 'Install a new version' });
  const install = card.getByRole('button', { name: 'Install' });
  expect(await install.isDisabled(), 'nothing is chosen yet').toBe(true);
  const file = path.join(folder, 'meetbox.update');
  await writeFile(file, Buffer.alloc(3 << 20));
  await card.getByLabel('Update file').setInputFiles(file);
  await card.getByText('Nobody is in a meeting now.').waitFor();
  await install.click();
  await card.getByText('This copy of Meetbox runs on somebody’s computer.').waitFor();
  await card.getByText('meetbox.update').last().waitFor();
  await look(page, 'console-update-refused-desktop-light');
  await expect.poll(() => install.isEnabled(), { message: 'it can be tried again' }).toBe(true);
  expect(await page.getByRole('region', { name: 'Running now' }).textContent()).toBe(version);
  await page.setViewportSize(phone.viewport);
  await page.emulateMedia({ colorScheme: 'dark' });
  await look(page, 'console-update-refused-phone-dark', true);

  // Who only operates meetings sees what runs, and cannot change it.
  const account = { name: 'Desk', role: 'operator', password: 'four chairs and a plant' };
  const made = await page.evaluate(async (body) => (await fetch('/api/v1/accounts', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).ok, account);
  expect(made).toBe(true);
  const desk = await signedIn(desktop, 'update', account.name, account.password);
  await desk.getByRole('region', { name: 'Running now' }).waitFor();
  expect(await desk.getByLabel('Update file').count()).toBe(0);
});

test('a certificate of an authority on the network, by ACME: refused, given, and given up', patience, async () => {
  const port = await freeTcp();
  const page = await signedIn(desktop, 'certificates');
  const source = page.getByRole('region', { name: 'Where it comes from' });
  const save = source.getByRole('button', { name: 'Save' });
  await source.getByLabel('An authority on this network (ACME)').check();
  await save.click();
  await source.getByText('beginning with https://').waitFor();
  await source.getByLabel('Address of the directory').fill(`https://localhost:${port}/dir`);
  await source.getByLabel('Names').fill('localhost');
  await save.click();
  const refused = page.getByText("The site's authority gives no certificate");
  await refused.first().waitFor();
  await look(page, 'console-acme-nobody-desktop-light', true);
  // The first page says so too.
  await go(page, '');
  const list = page.getByRole('region', { name: 'What needs attention' });
  await list.getByText("The site's authority gives no certificate").waitFor();
  await look(page, 'console-attention-desktop-light');
  await list.getByRole('link', { name: 'Have a look' }).click();
  await source.waitFor();

  const authority = await pebble(port);
  try {
    await source.getByLabel('Its root certificate (PEM)').fill(await readFile(path.join(folder, 'acme', 'ca'), 'utf8'));
    await save.click();
    const site = page.getByRole('region', { name: 'From outside' });
    await site.waitFor();
    await refused.waitFor({ state: 'detached' });
    for (const url of [box.url, box.box.consoleUrl]) await until(`${url} shows it`, 30_000, async () => (await issuer(url)).startsWith('Pebble'));
    await page.setViewportSize(phone.viewport);
    await page.emulateMedia({ colorScheme: 'dark' });
    await look(page, 'console-acme-phone-dark', true);
    await source.getByLabel('The box’s own authority').check();
    await save.click();
    await site.waitFor({ state: 'detached' });
    await until('the box vouches for itself again', 30_000, async () => !(await issuer(box.url)).startsWith('Pebble'));
  } finally {
    authority.kill();
    await once(authority, 'close');
  }
});

/** An authority that speaks ACME, and comes to the box for its proofs. */
async function pebble(port: number): Promise<ChildProcess> {
  const dir = path.join(folder, 'acme');
  await mkdir(dir);
  await certificate(dir);
  const [program, config] = [path.join(dir, 'pebble'), path.join(dir, 'config')];
  await run('go', ['build', '-o', program, 'github.com/letsencrypt/pebble/v2/cmd/pebble'], { cwd: path.join(root, 'scripts', 'pebble') });
  const listen = { listenAddress: `127.0.0.1:${port}`, managementListenAddress: '', certificate: path.join(dir, 'crt'), privateKey: path.join(dir, 'key') };
  await writeFile(config, JSON.stringify({ pebble: { ...listen, httpPort: Number(new URL(box.box.plainUrl).port), tlsPort: 1 } }));
  const server = spawn(program, ['-config', config], { env: { ...process.env, PEBBLE_VA_NOSLEEP: '1' }, stdio: 'ignore' });
  await until('it answers', 60_000, () => issuer(`https://localhost:${port}`).then(Boolean, () => false));
  return server;
}
