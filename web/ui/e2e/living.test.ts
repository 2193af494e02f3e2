// The console's living half: planned meetings and their invitations, its pages as they look, what
// happens in meetings, and the page /check with a real call through the real bridge.

import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { own } from './console.ts';
import { Guest, launch, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 800 } };
let browser: Browser;
let guests: Guest[] = [];

beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
});
afterEach(async () => {
  const faults = guests.flatMap((a) => a.faults.map((fault) => `${a.name}: ${fault}`));
  await Promise.all(guests.map((a) => a.close()));
  guests = [];
  expect(faults).toEqual([]);
});

async function open(url: string, name: string, options: BrowserContextOptions = desktop): Promise<Guest> {
  const guest = await Guest.open(browser, url, name, options);
  guests.push(guest);
  return guest;
}

async function admin(options: BrowserContextOptions = desktop): Promise<Guest> {
  const me = await open(box.consoleUrl, 'admin', options);
  await own(me.page, box);
  return me;
}

async function check(guest: Guest, what: string, picture: string): Promise<void> {
  await shoot(guest.page, picture, true);
  expect(await fits(guest.page), `${what} fits`).toBe(true);
  expect(await barriers(guest.page), what).toEqual([]);
}

async function go(guest: Guest, name: string): Promise<void> {
  await guest.page.goto(`${box.consoleUrl}/#/${name}`);
  await guest.page.reload();
  await guest.page.locator('h1').waitFor();
  await until(`${name} has loaded`, 30_000, async () => (await guest.page.locator('.loading').count()) === 0);
}

test('a planned meeting: on the schedule, with its password at the door, as link, QR, calendar and sheet', { timeout: 300_000 }, async () => {
  // Where nothing is planned, the page where meetings begin says so by saying nothing.
  const guest = await open(box.url, 'Guest', phone);
  const asked = guest.page.waitForResponse('**/schedule.json');
  await guest.page.goto(box.url);
  expect(await (await asked).json()).toMatchObject({ meetings: [] });
  expect(await guest.page.getByRole('heading', { name: 'Today' }).count()).toBe(0);

  const me = await admin();
  await go(me, 'schedule');
  await me.page.getByRole('button', { name: 'Plan a meeting' }).click();
  const form = me.page.getByRole('dialog', { name: 'Plan a meeting' });
  await form.getByRole('button', { name: 'Save' }).click();
  await form.locator('[aria-invalid]').first().waitFor();
  await form.getByLabel('Title').fill('Weekly review');
  await expect.poll(() => form.getByLabel('Room', { exact: true }).inputValue()).toBe('weekly-review');
  await form.getByLabel('Repeats').selectOption('weekly');
  await form.getByLabel('Who invites').fill('Harbour office');
  await form.getByLabel('Password').fill('oak');
  await check(me, 'the form', 'console-schedule-form-desktop-light');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'hidden' });
  await check(me, 'the plans', 'console-schedule-desktop-light');
  await me.page.getByRole('link', { name: 'Weekly review' }).click();
  await me.page.getByRole('heading', { name: 'Invitation' }).waitFor();
  await me.page.getByRole('img', { name: 'QR code of the meeting' }).waitFor();
  await check(me, 'the invitation', 'console-invitation-desktop-light');
  const saved = me.page.waitForEvent('download');
  await me.page.getByRole('link', { name: 'For calendars' }).click();
  expect((await saved).suggestedFilename()).toBe('weekly-review.ics');
  await me.page.emulateMedia({ media: 'print' });
  await shoot(me.page, 'console-invitation-print', true);
  expect(await me.page.getByRole('button', { name: 'Print' }).isVisible()).toBe(false);
  await me.page.emulateMedia({ media: 'screen' });
  await me.page.setViewportSize(phone.viewport);
  await check(me, 'the invitation', 'console-invitation-phone-light');

  // What guests see, and the door.
  await guest.page.goto(box.url);
  const public_ = await guest.page.evaluate(async () => (await (await fetch('/schedule.json')).json()) as { meetings: { title: string; password: boolean; calendar: string }[] });
  expect(public_.meetings[0]).toMatchObject({ title: 'Weekly review', password: true });
  const calendar = await guest.page.evaluate(async (path) => await (await fetch(path)).text(), public_.meetings[0]?.calendar ?? '');
  expect(calendar).toContain('RRULE:FREQ=WEEKLY');
  expect(calendar).not.toContain('oak');
});

test('files, device checks and rooms: pages as they are, phone and desktop, light and dark', { timeout: 300_000 }, async () => {
  const me = await admin();
  for (const [device, colorScheme, size] of [
    ['desktop', 'dark', desktop.viewport],
    ['phone', 'light', phone.viewport],
  ] as const) {
    await me.page.setViewportSize(size);
    await me.page.emulateMedia({ colorScheme });
    for (const name of ['', 'meetings', 'schedule', 'files', 'checks', 'rooms']) {
      await go(me, name);
      await check(me, name, `console-${name || 'overview'}-${device}-${colorScheme}`);
    }
  }
  await go(me, '');
  const cursor = me.page.getByRole('slider', { name: 'Time in the graphs' });
  await cursor.waitFor();
  await cursor.focus();
  await me.page.keyboard.press('ArrowLeft');
  await expect.poll(() => cursor.getAttribute('aria-valuetext')).toContain(':');
  await me.page.getByText('As a table').click();
  await me.page.getByRole('table', { name: 'How it was' }).waitFor();
});

test('why was Anna dropped: who is there, how good the lines are, what happened; muted, removed, ended', { timeout: 400_000 }, async () => {
  const me = await admin();
  const [anna, bo] = [await open(box.url, 'Anna'), await open(box.url, 'Bo')];
  await anna.join(`${box.url}/harbour-talk`);
  await bo.join(`${box.url}/harbour-talk`);
  await go(me, 'meetings');
  await me.page.getByRole('link', { name: 'harbour-talk' }).first().click();
  await me.page.getByRole('heading', { name: '2 people are there now' }).waitFor();
  await me.page.getByText('Good line').first().waitFor();
  await me.page.getByText('Anna joined.').waitFor();
  await check(me, 'a meeting', 'console-meeting-desktop-light');

  // What the first page says of it; the second look at the counters is what makes a rate.
  await go(me, '');
  const number = (title: string) => me.page.locator('.number').filter({ hasText: title }).locator('dd');
  const shows = (title: string, what: RegExp) => until(`${title} is there`, 30_000, async () => what.test((await number(title).textContent()) ?? ''));
  // People of other tests may still be on their way out.
  await until('this meeting is all there is', 90_000, async () => (await number('Meetings now').textContent()) === '1' && (await number('People').textContent()) === '2');
  await shows('Media traffic', /^[1-9].*B\/s$/);
  await shows('Processor', /^\d+(?:\.\d+)?\s?%$/);
  await shows('Memory', /B$/);
  await shows('Loss', /^\d.*%$/);
  await check(me, 'the overview', 'console-overview-meeting-desktop-light');
  await me.page.getByRole('link', { name: /^(?:Anna|Bo) in harbour-talk: .* lost, \d+ ms$/ }).click();

  await me.page.getByRole('button', { name: 'Mute Bo' }).click();
  await until('Bo is muted', 30_000, async () => (await bo.state()).participants.some((p) => p.local && p.audioMuted));
  await me.page.getByText('this console muted Bo: sound.').waitFor();

  await me.page.getByRole('button', { name: 'Remove Bo' }).click();
  const sure = me.page.getByRole('dialog', { name: 'Remove Bo' });
  await sure.getByText('2 people are in meetings now').waitFor();
  await check(me, 'asked before', 'console-meeting-remove-desktop-light');
  await sure.getByRole('button', { name: 'Remove' }).click();
  await until('Bo is out', 30_000, async () => (await bo.state()).phase === 'left');
  await me.page.getByText('Bo left: removed.').first().waitFor();

  await me.page.getByRole('button', { name: 'End the meeting' }).click();
  await me.page.getByRole('dialog').getByText('One person is put out of it.').waitFor();
  await me.page.getByRole('dialog').getByRole('button', { name: 'End the meeting' }).click();
  await until('Anna is out', 30_000, async () => (await anna.state()).phase === 'left');
  await me.page.getByText('this console ended the meeting.').waitFor();

  // After it is over, on a phone.
  await me.page.setViewportSize(phone.viewport);
  await go(me, 'meetings');
  await me.page.getByRole('region', { name: 'Past meetings' }).getByRole('link', { name: 'harbour-talk' }).first().click();
  await me.page.getByText('Anna left').first().waitFor();
  await check(me, 'a past meeting', 'console-meeting-past-phone-light');
  await go(me, 'audit');
  await me.page.getByText('removed from a meeting harbour-talk').first().waitFor();
  await me.page.getByText('meeting ended harbour-talk').first().waitFor();
});

test('/check: all probes, a real call, the report reaches the console', { timeout: 400_000 }, async () => {
  const guest = await open(box.url, 'Guest', { ...phone, permissions: ['camera', 'microphone'] });
  await guest.page.goto(`${box.url}/check`);
  await guest.page.getByRole('heading', { name: 'Check this device' }).waitFor();
  await check(guest, 'before', 'check-before-phone-light');
  await guest.page.getByRole('button', { name: 'Check everything' }).click();
  await guest.page.getByRole('heading', { name: 'Send it to the administrator' }).waitFor({ timeout: 240_000 });
  const rows = await guest.page.locator('.check-row').evaluateAll((all) => all.map((row) => [row.querySelector('h3')?.textContent, row.querySelector('code')?.textContent, row.querySelector('.check-detail')?.textContent].join(' | ')));
  await check(guest, 'after', 'check-after-phone-light');
  const codes = rows.map((r) => r.split(' | ')[1]);
  for (const good of ['H00', 'C00', 'N00', 'W00', 'B00', 'R00', 'K00', 'D00', 'V00', 'A00', 'X00']) expect(rows.join('\n')).toContain(good);
  // How good it was depends on what else this machine does; that it was measured does not.
  expect(rows.join('\n')).toMatch(/\| M0[0-4] \|/);
  expect(codes).not.toContain('');
  await guest.page.getByLabel('Your name').fill('Anna');
  await guest.page.getByLabel('What was the trouble?').fill('No picture in the corner room');
  await guest.page.getByRole('button', { name: 'Send', exact: true }).click();
  await guest.page.getByText('Its number is').waitFor();
  await guest.page.emulateMedia({ colorScheme: 'dark' });
  await guest.page.setViewportSize(desktop.viewport);
  await check(guest, 'sent', 'check-sent-desktop-dark');

  const me = await admin();
  await go(me, 'checks');
  await me.page.getByText('No picture in the corner room').waitFor();
  await check(me, 'reports', 'console-checks-desktop-light');
  await me.page.getByRole('button', { name: /^Remove report/ }).first().click();
  await me.page.getByText('Nobody has sent a report.').waitFor();
});
