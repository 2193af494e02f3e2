// The console against a real box: from the setup code on its screen to a meeting, and what happens when two
// people change the same thing or the box restarts under an open page.

import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Box, kill, pause, setupCode, startBox } from './box.ts';
import { saved } from './console.ts';
import { Guest, launch, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';
import { allow } from './network.ts';

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 800 } };
const password = 'nine small boats at the quay';
const pages = ['', 'diagnostics', 'update', 'backup', 'rooms', 'network', 'certificates', 'clock', 'people', 'directory', 'changes', 'logs', 'audit'];
// Of its own: nobody else has claimed it.
let box: Box;
let end: () => Promise<void>;
let browser: Browser;
let admins: Guest[] = [];

beforeAll(async () => {
  ({ box, stop: end } = await startBox('log-admin'));
  allow(box.url, box.plainUrl, box.consoleUrl);
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await end();
});
afterEach(async () => {
  const faults = admins.flatMap((a) => a.faults.map((fault) => `${a.name}: ${fault}`));
  await Promise.all(admins.map((a) => a.close()));
  admins = [];
  expect(faults).toEqual([]);
});

async function open(name: string, options: BrowserContextOptions = desktop): Promise<Guest> {
  const admin = await Guest.open(browser, box.consoleUrl, name, options);
  admins.push(admin);
  return admin;
}

async function signIn(admin: Guest, name = 'Workshop'): Promise<void> {
  await admin.page.goto(`${box.consoleUrl}/#/`);
  await admin.page.getByLabel('Name').fill(name);
  await admin.page.getByLabel('Password').fill(password);
  await admin.page.getByRole('button', { name: 'Sign in' }).click();
  await admin.page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
}

async function check(admin: Guest, what: string, picture: string): Promise<void> {
  await shoot(admin.page, picture);
  expect(await fits(admin.page), `${what} fits`).toBe(true);
  expect(await barriers(admin.page), what).toEqual([]);
}

test('a new admin: from the setup code to a meeting', async () => {
  const { page } = await open('new', phone);
  const me = admins[0] as Guest;
  await page.goto(box.consoleUrl);
  await page.getByRole('heading', { name: 'Welcome' }).waitFor();
  await check(me, 'welcome', 'setup-1-language');
  await page.getByLabel('Language').selectOption('de');
  await page.getByRole('heading', { name: 'Willkommen' }).waitFor();
  await page.getByLabel('Sprache').selectOption('en');
  await page.getByRole('button', { name: 'Begin' }).click();

  // A wrong code and a short password: said beside the fields, and what was typed stays.
  await page.getByLabel('Setup code').fill('0000-0000');
  await page.getByLabel('Name').fill('Workshop');
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Become the owner' }).click();
  await page.locator('[aria-invalid]').first().waitFor();
  await check(me, 'owner with mistakes', 'setup-2-mistakes');
  expect(await page.getByLabel('Setup code').inputValue()).toBe('0000-0000');
  expect(await page.getByLabel('Name').inputValue()).toBe('Workshop');
  await page.getByLabel('Setup code').fill(await setupCode(box));
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByText('Very good.').waitFor();
  await check(me, 'owner', 'setup-2-owner');
  await page.getByRole('button', { name: 'Become the owner' }).click();

  await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
  await check(me, 'codes', 'setup-3-codes');
  expect(await page.locator('.codes li').count()).toBeGreaterThanOrEqual(5);
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as a file' }).click();
  expect((await saved).suggestedFilename()).toBe('meetbox-recovery-codes.txt');
  await page.getByRole('button', { name: 'I have kept them' }).click();

  await page.getByRole('heading', { name: 'Name and time' }).waitFor();
  await page.getByText('The box and this computer agree.').waitFor();
  await check(me, 'clock', 'setup-4-clock');
  await page.getByRole('button', { name: 'Next' }).click();
  for (const [i, heading] of ['Network', 'Trust', 'Test call'].entries()) {
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await check(me, heading, `setup-${i + 5}-${heading.toLowerCase().replace(' ', '-')}`);
    if (heading === 'Test call') {
      await page.getByRole('button', { name: 'Make a test call' }).click();
      await page.getByText('It works: picture and sound went both ways.').waitFor();
      await check(me, 'test call made', 'setup-7-test-call-ok');
    }
    await page.getByRole('button', { name: 'Next' }).click();
  }
  await page.getByRole('heading', { name: 'Ready' }).waitFor();
  await check(me, 'done', 'setup-8-done');
  const meeting = await page.getByRole('link', { name: 'Open your first meeting' }).getAttribute('href');
  expect(meeting).toBe(`${box.url}/first-meeting`);
  await page.getByRole('button', { name: 'Go to the console' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();

  const guest = await Guest.open(browser, box.url, 'Front desk');
  admins.push(guest);
  await guest.join(meeting ?? '');
  await page.getByText('first-meeting').first().waitFor();
  await check(me, 'overview with a meeting', 'console-overview-live-phone-light');

  await page.getByRole('button', { name: 'Menu' }).click();
  await check(me, 'menu', 'console-menu-phone-light');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
  await check(me, 'sign-in', 'console-sign-in-phone-light');
  await page.getByLabel('Name').fill('Workshop');
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('is not right').waitFor();
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});

test.each([
  ['phone', 'light', phone],
  ['desktop', 'light', desktop],
  ['desktop', 'dark', desktop],
] as const)('every page, %s, %s', async (device, colorScheme, options) => {
  const admin = await open('Workshop', { ...options, colorScheme });
  await signIn(admin);
  const found: Record<string, readonly string[]> = {};
  for (const name of pages) {
    await admin.page.goto(`${box.consoleUrl}/#/${name}`);
    await admin.page.reload(); // nothing is left of the page before
    await admin.page.locator('h1').waitFor();
    await until(`${name} has loaded`, 30_000, async () => (await admin.page.locator('.loading').count()) === 0);
    if (name === 'logs') await admin.page.locator('.log').getByText('certificate issued').first().waitFor();
    await shoot(admin.page, `console-${name || 'overview'}-${device}-${colorScheme}`, true);
    const problems = [...(await admin.page.locator('.note-bad').allTextContents()), ...(await barriers(admin.page))];
    if (!(await fits(admin.page))) problems.push('it is wider than the screen');
    if (problems.length > 0) found[name] = problems;
  }
  expect(found).toEqual({});
});

test('two admins change the same thing: a choice, no loss', async () => {
  const [first, second] = [await open('first'), await open('second', phone)];
  for (const admin of [first, second]) {
    await signIn(admin);
    await admin.page.goto(`${box.consoleUrl}/#/network`);
    await admin.page.getByLabel('Further names').waitFor();
  }
  const names = (admin: Guest) => admin.page.getByRole('region', { name: 'Names' });
  await first.page.getByLabel('Further names').fill('meet.example.org');
  await names(first).getByRole('button', { name: 'Save' }).click();
  await saved(names(first));

  await second.page.getByLabel('Further names').fill('talk.example.org');
  await names(second).getByRole('button', { name: 'Save' }).click();
  const dialog = second.page.getByRole('dialog', { name: 'Somebody else was faster' });
  await dialog.waitFor();
  await dialog.getByText('Workshop changed this').waitFor();
  await check(second, 'conflict', 'console-conflict-phone-light');
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await saved(names(second));
  expect(await second.page.getByLabel('Further names').inputValue()).toBe('talk.example.org');

  // And back again, by the list of changes.
  await second.page.goto(`${box.consoleUrl}/#/changes`);
  await second.page.getByRole('button', { name: /^Look at change/ }).first().click();
  await second.page.getByRole('button', { name: 'Take this change back' }).click();
  await second.page.getByRole('dialog').waitFor({ state: 'detached' });
  await first.page.reload();
  await until('it is as the first one left it', 30_000, async () => (await first.page.getByLabel('Further names').inputValue()) === 'meet.example.org');
});

test('a wrong value is said beside its field', async () => {
  const admin = await open('Workshop');
  await signIn(admin);
  await admin.page.goto(`${box.consoleUrl}/#/clock`);
  await admin.page.getByRole('textbox', { name: 'Time servers' }).fill('192.0.2.1, NOT A NAME!');
  await admin.page.getByRole('button', { name: 'Save' }).click();
  await admin.page.locator('[aria-invalid]').waitFor();
  await admin.page.getByText('Give a host name in lower case').waitFor();
  await check(admin, 'mistake', 'console-mistake-desktop-light');
  expect(await admin.page.locator('[aria-invalid]').inputValue()).toBe('192.0.2.1, NOT A NAME!');
});

test('a box whose clock is wrong is set from this browser, which shows the difference', async () => {
  const admin = await open('Workshop', phone);
  const { page } = admin;
  const ahead = 3 * 3_600_000 + 60_000;
  await page.addInitScript((ms) => {
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given: readonly unknown[]) {
        if (given.length === 0) super(Real.now() + ms);
        else super(...(given as [number]));
      }
      static override now() {
        return Real.now() + ms;
      }
    } as DateConstructor;
  }, ahead);
  await signIn(admin);
  // The machine that runs this test keeps its own time.
  let sent = '';
  await page.route('**/api/v1/clock/set', (route) => {
    ({ now: sent } = route.request().postDataJSON() as { readonly now: string });
    return route.fulfill({ status: 204 });
  });
  await page.goto(`${box.consoleUrl}/#/clock`);
  await page.getByText('The box and this computer differ by 3 hours.').waitFor();
  await check(admin, 'a clock that is wrong', 'console-clock-wrong-phone-light');
  const begin = Date.now();
  await page.getByRole('button', { name: 'Set the box from this computer' }).click();
  await until('the box is told', 30_000, () => Promise.resolve(sent !== ''));
  expect(Math.abs(Date.parse(sent) - ahead - begin)).toBeLessThan(10_000);
});

test('codecs, microphones and voices are rules of the rooms', async () => {
  const admin = await open('Workshop');
  await signIn(admin);
  await admin.page.goto(`${box.consoleUrl}/#/rooms`);
  const rules = admin.page.getByRole('region', { name: 'Rules' });
  const fields = ['Video codecs, best first', 'Most microphones on at once', 'Loudest voices sent to everybody'].map((label) => rules.getByLabel(label));
  const save = rules.getByRole('button', { name: 'Save' });
  const put = async (...values: readonly string[]) => {
    for (const [i, value] of values.entries()) await fields[i]?.fill(value);
    await save.click();
    await saved(rules);
  };
  await fields[0]?.fill('vp9');
  await save.click();
  await rules.getByText('a browser may know no other').waitFor();
  await check(admin, 'codecs with a mistake', 'console-rooms-codecs-desktop-light');
  await put('vp9, h.264', '12', '3');
  await admin.page.reload();
  await fields[0]?.waitFor();
  expect(await Promise.all(fields.map((field) => field.inputValue()))).toEqual(['VP9, H264', '12', '3']);
  await put('', '', '');
});

test('the box restarts under an open page', async () => {
  const admin = await open('Workshop');
  await signIn(admin);
  await admin.page.goto(`${box.consoleUrl}/#/network`);
  await admin.page.getByLabel('Further names').fill('half.typed');
  await kill(box, 'appliance');
  await admin.page.getByRole('region', { name: 'Names' }).getByRole('button', { name: 'Save' }).click();
  await admin.page.getByText('The box does not answer').waitFor();
  await admin.page.getByText('The box does not answer').waitFor({ state: 'hidden' });
  expect(await admin.page.getByLabel('Further names').inputValue()).toBe('half.typed');
});

test('the first broken link is named, and holds again', async () => {
  const admin = await open('Workshop', phone);
  await signIn(admin);
  const goOn = await pause(box, 'bridge');
  try {
    await admin.page.goto(`${box.consoleUrl}/#/diagnostics`);
    await admin.page.getByText('The first broken link: Services').waitFor();
    await check(admin, 'diagnostics with a broken link', 'console-diagnostics-broken-phone-light');
  } finally {
    goOn();
  }
  await until('it holds again', 30_000, async () => {
    const again = admin.page.getByRole('button', { name: 'Check again' });
    await again.click();
    await until('it has looked', 30_000, () => again.isEnabled());
    return (await admin.page.getByText('The first broken link: Services').count()) === 0;
  });
});

test('by keyboard only: sign in, a page, out', async () => {
  const { page } = await open('keyboard');
  await page.goto(box.consoleUrl);
  await page.getByLabel('Name').waitFor();
  await page.keyboard.type('Workshop');
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const reach = async (name: string) => {
    for (let i = 0; i < 40; i++) {
      if (await page.evaluate((n) => document.activeElement?.textContent?.trim() === n, name)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${name}`);
  };
  await page.evaluate(() => document.body.focus());
  await page.keyboard.press('Home');
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.keyboard.press('Shift+Tab');
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await reach('Clock');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Clock' }).waitFor();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await reach('Sign out');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
});

test.each([
  ['phone', 'light', phone],
  ['desktop', 'dark', desktop],
] as const)('the trust page, %s, %s', async (device, colorScheme, options) => {
  const context = await browser.newContext({ ...options, colorScheme, ignoreHTTPSErrors: false });
  try {
    const page = await context.newPage();
    await page.goto(`${box.plainUrl}/`);
    await page.getByText('Not yet. This page notices by itself.').waitFor();
    await shoot(page, `trust-no-${device}-${colorScheme}`);
    expect(await fits(page)).toBe(true);
    expect(await barriers(page)).toEqual([]);
    expect(await page.getByRole('link', { name: /^Get the/ }).getAttribute('href')).toBe('/ca.crt');
    await page.getByLabel('This device').selectOption('ios');
    expect(await page.getByRole('link', { name: /^Get the/ }).getAttribute('href')).toBe('/ca.mobileconfig');
  } finally {
    await context.close();
  }
});

test.each([
  ['phone', 'light', phone],
  ['desktop', 'dark', desktop],
] as const)('the trust page turns green by itself, %s, %s', async (device, colorScheme, options) => {
  const context = await browser.newContext({ ...options, colorScheme, ignoreHTTPSErrors: true });
  try {
    const page = await context.newPage();
    // Until the certificate is installed, requests fail as they do for it.
    await context.route('**/.well-known/meetbox-trusted', (route) => route.abort('failed'));
    await page.goto(`${box.plainUrl}/trust`);
    await page.getByText('Not yet. This page notices by itself.').waitFor();
    await context.unroute('**/.well-known/meetbox-trusted');
    await page.getByText('This device trusts the box.').waitFor();
    await shoot(page, `trust-yes-${device}-${colorScheme}`);
    expect(await barriers(page)).toEqual([]);
    expect(await page.getByRole('link', { name: 'Go to the meetings' }).getAttribute('href')).toBe(box.url);
  } finally {
    await context.close();
  }
});

// A machine of its own is not here, so its answers are put in front of the box's; the image's test has the real ones.
test('a change of the network is tried, counted down and confirmed', async () => {
  const admin = await open('Workshop', phone);
  await signIn(admin);
  const port = {
    name: 'eth0',
    card: '02:00:5e:10:00:01',
    role: 'uplink',
    named: false,
    cable: true,
    mbits: 1000,
    mtu: 1500,
    addresses: ['192.168.1.40/24', 'fd00:1::40/64'],
    gateways: ['192.168.1.1'],
    received: 1_234_567_890,
    sent: 98_765_432,
    errors: 0,
  };
  const island = { ...port, name: 'eth1', card: '02:00:5e:10:00:02', role: 'island', named: true, cable: false, mbits: 0, addresses: ['10.77.0.1/24'], gateways: [], errors: 3 };
  let pending: object | undefined;
  let proposed: unknown;
  const sent: string[] = [];
  await admin.page.route('**/api/v1/network', (route) => route.fulfill({ json: { ports: [port, island], dns: ['192.168.1.1'], ...(pending ? { pending } : {}) } }));
  await admin.page.route('**/api/v1/island', (route) => route.fulfill({ json: { ports: [{ name: 'eth1', address: '10.77.0.1/24', dhcp: true, leases: [] }] } }));
  await admin.page.route('**/api/v1/network/propose', (route) => {
    proposed = route.request().postDataJSON();
    pending = { id: 'p1', network: proposed, until: new Date(Date.now() + 90_000).toISOString(), seconds: 90 };
    return route.fulfill({ json: pending });
  });
  await admin.page.route(/network\/(?:confirm|take-back)/, (route) => {
    sent.push(`${new URL(route.request().url()).pathname} ${route.request().postData() ?? ''}`);
    pending = undefined;
    return route.fulfill({ json: {} });
  });
  await admin.page.goto(`${box.consoleUrl}/#/network`);
  await admin.page.getByRole('button', { name: 'Set up eth0' }).click();
  await admin.page.getByLabel('IPv4', { exact: true }).selectOption('static');
  await admin.page.getByLabel('IPv4 address with prefix').fill('192.168.1.23/24');
  await admin.page.getByLabel('Router').first().fill('192.168.1.1');
  await admin.page.getByText('in a meeting now').first().waitFor();
  await shoot(admin.page, 'console-network-form-phone-light', true);
  expect(await fits(admin.page)).toBe(true);
  expect(await barriers(admin.page)).toEqual([]);
  await admin.page.getByRole('button', { name: 'Try it' }).click();
  await admin.page.getByRole('heading', { name: 'Does it work?' }).waitFor();
  expect(proposed).toEqual({ ports: [{ card: '02:00:5e:10:00:01', ipv4: { mode: 'static', address: '192.168.1.23/24', gateway: '192.168.1.1' } }] });
  await admin.page.getByText(/^(?:90|8\d) seconds left$/).first().waitFor();
  expect(await admin.page.getByRole('link', { name: /192\.168\.1\.23/ }).getAttribute('href')).toBe(`https://192.168.1.23:${new URL(box.consoleUrl).port}/#/network`);
  await check(admin, 'pending change', 'console-network-pending-phone-light');
  await admin.page.getByRole('button', { name: 'Keep the change' }).click();
  await admin.page.getByRole('heading', { name: 'Does it work?' }).waitFor({ state: 'hidden' });
  expect(sent).toEqual(['/api/v1/network/confirm {"id":"p1"}']);
});
