// The page /check where something is wrong: the one sentence, the short code, and what the administrator sees of it.

import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import en from '../src/i18n/check/en.json';
import { ownerPassword, pause } from './box.ts';
import { cast, owner, ownBox } from './cast.ts';
import { desktop, look, phone, signIn } from './console.ts';
import { Guest, launch } from './guest.ts';

const box = ownBox('log-check');
const { guests, open } = cast(() => box.url);
const patience = { timeout: 300_000 };

type Code = keyof typeof en extends infer K ? (K extends `said.${infer C}` ? C : never) : never;

/** The sentence of a code, for any values. */
function sentence(code: Code): RegExp {
  const [first = '', ...rest] = en[`said.${code}`].split(/\{(?:[^{}]|\{[^{}]*\})*\}/);
  return new RegExp([first, ...rest].map((part) => part.replace(/[.*+?^$()[\]\\|]/g, String.raw`\$&`)).join('.+'));
}

/** Tries it all, or what is asked for; all of these codes come with their sentences, and the first is the verdict. */
async function finds(page: Page, what: 'Check everything' | 'Only the connection', verdict: Code, ...others: readonly Code[]): Promise<void> {
  await page.getByRole('button', { name: what }).click();
  await page.getByRole('heading', { name: 'Send it to the administrator' }).waitFor({ timeout: 200_000 });
  const rows = await page.locator('.check-row').evaluateAll((all) => all.map((row) => ({ code: row.querySelector('code')?.textContent, said: row.querySelector('p')?.textContent ?? '' })));
  const seen = JSON.stringify(rows, null, 1);
  for (const code of [verdict, ...others]) expect(rows.find((r) => r.code === code)?.said ?? '', `${code} in ${seen}`).toMatch(sentence(code));
  expect(await page.locator('.check-overall .check-code').textContent(), seen).toBe(`Code ${verdict}`);
  expect(await page.locator('.check-overall').textContent()).toMatch(sentence(verdict));
}

/** Sends it, and finds it in the console. */
async function send(page: Page, code: Code, note: string): Promise<void> {
  await page.getByLabel('What was the trouble?').fill(note);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const number = /Its number is (\S+)\./.exec((await page.getByText('Its number is').textContent()) ?? '')?.[1] ?? '';
  expect(number).not.toBe('');
  const admin = (await open('admin', desktop, null, box.box.consoleUrl)).page;
  await admin.goto(`${box.box.consoleUrl}/#/checks`);
  await signIn(admin, owner, ownerPassword);
  const report = admin.getByRole('region', { name: number });
  await report.getByText(note).waitFor();
  await report.getByText('Details').click();
  await report.getByText(code, { exact: true }).last().waitFor();
}

/** A browser in which the box's certificate counts as any authority's. */
async function trusting(...more: readonly string[]): Promise<Browser> {
  const { publicKey } = new X509Certificate(await readFile(path.join(box.box.state, 'run', 'tls', 'web.crt')));
  const key = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  const browser = await launch([`--ignore-certificate-errors-spki-list=${key}`, ...more]);
  onTestFinished(() => browser.close());
  return browser;
}

async function come(name: string, options: Parameters<typeof open>[1] = desktop, browser?: Browser): Promise<Page> {
  const guest = browser ? await Guest.open(browser, box.url, name, options) : await open(name, options);
  if (browser) guests.push(guest);
  await guest.page.goto(`${box.url}/check`);
  await guest.page.getByRole('heading', { name: 'Check this device' }).waitFor();
  return guest.page;
}

test('a device that is set up badly: old browser, wrong clock, no permission', patience, async () => {
  const unwilling = await trusting('--use-fake-ui-for-media-stream=deny');
  const userAgent = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.0.0 Safari/537.36';
  const guest = await Guest.open(unwilling, box.url, 'Ada', { ...phone, userAgent, ignoreHTTPSErrors: false });
  guests.push(guest);
  const { page } = guest;
  await page.addInitScript(() => {
    const Real = Date;
    const ahead = 10 * 60_000;
    globalThis.Date = class extends Real {
      constructor(...given: readonly unknown[]) {
        if (given.length === 0) super(Real.now() + ahead);
        else super(...(given as [number]));
      }
      static override now() {
        return Real.now() + ahead;
      }
    } as DateConstructor;
  });
  await page.goto(`${box.url}/check`);
  await finds(page, 'Check everything', 'C01', 'T00', 'W00', 'B00', 'V02', 'A02', 'P05', 'X01');
  await page.getByText('The clocks differ by 10 minutes.').first().waitFor();
  await look(page, 'check-faults-phone-dark', true);
  await send(page, 'C01', 'It says that I am from the future');
});

test('a network that lets no UDP through', patience, async () => {
  const page = await come('Ben', { ...desktop, ignoreHTTPSErrors: false }, await trusting('--webrtc-ip-handling-policy=disable_non_proxied_udp'));
  await finds(page, 'Only the connection', 'S01', 'T00', 'K01', 'R00', 'W00', 'V05', 'A05');
  await send(page, 'S01', 'Pictures stutter in the cellar');
});

test('a proxy that lets no WebSockets through: the call takes the slower way', patience, async () => {
  const page = await come('Finn', { ...desktop, ignoreHTTPSErrors: false }, await trusting());
  await page.routeWebSocket('**/xmpp-websocket*', (socket) => socket.close({ code: 1006 }));
  await page.reload();
  // The call's own login; which way its media goes, and how well, is a matter of how busy the machine is.
  const byRequests = page.waitForRequest((r) => r.url().includes('/http-bind') && r.postData()?.includes('urn:ietf:params:xml:ns:xmpp-sasl') === true, patience);
  await finds(page, 'Only the connection', 'W01', 'B00', 'D00');
  await byRequests;
  await look(page, 'check-slower-way', true);
});

test('a bridge that is not there', patience, async () => {
  const page = await come('Cleo');
  const goOn = await pause(box.box, 'bridge');
  try {
    await finds(page, 'Only the connection', 'K09', 'W00', 'B00', 'D05', 'M05');
  } finally {
    goOn();
  }
  await send(page, 'K09', 'Nobody sees anybody');
});

test('a signaling service that is not there', patience, async () => {
  const page = await come('Dora');
  const goOn = await pause(box.box, 'signaling');
  try {
    await finds(page, 'Only the connection', 'B02', 'W01', 'K02', 'C00', 'N00');
  } finally {
    goOn();
  }
  await send(page, 'B02', 'Stuck while joining');
});

test('a box without power: nothing is blamed on a firewall; the report is kept until it is back', patience, async () => {
  const page = await come('Emil');
  await box.powerCut();
  await finds(page, 'Check everything', 'K08', 'W05', 'B05', 'C05', 'N05', 'S05', 'R05', 'D05', 'M05');
  await page.getByLabel('What was the trouble?').fill('The lights went out');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('The box did not take it. Tell the administrator the code instead.').waitFor();
  await box.powerOn();
  expect(await page.getByLabel('What was the trouble?').inputValue()).toBe('The lights went out');
  await send(page, 'K08', 'The lights went out');
});
