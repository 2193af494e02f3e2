// What is planned, on the page where meetings begin; and the ways to invite people to one that goes on.

import { readFile } from 'node:fs/promises';
import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 800 } };

// Planned by the console's test; here it is the page that counts.
test.each([
  ['phone', 'dark', phone],
  ['desktop', 'light', desktop],
] as const)('today’s meetings, %s, %s', async (device, colorScheme, options) => {
  const ada = await open('Ada', { ...options, colorScheme });
  const now = new Date();
  now.setHours(10, 10, 0, 0);
  const at = (hour: number, minute = 0) => {
    const time = new Date(now);
    time.setHours(hour, minute);
    return time.toISOString();
  };
  const meeting = (room: string, title: string, begin: string, end: string, more = {}) => ({ id: room, room, title, begin, end, zone: 'Europe/Berlin', password: false, lobby: false, calendar: `/schedule/${room}.ics`, ...more });
  await ada.page.route('**/schedule.json', (route) =>
    route.fulfill({
      json: {
        now: now.toISOString(),
        meetings: [
          meeting('weekly-review', 'Weekly review', at(10), at(11), { host: 'Harbour office', lobby: true }),
          meeting('interviews', 'Interviews', at(13, 30), at(15), { password: true }),
          meeting('early', 'Early birds', at(7), at(8)),
        ],
      },
    }),
  );
  await ada.page.goto(box.url);
  await ada.page.getByRole('heading', { name: 'Today' }).waitFor();
  await ada.page.getByText('Harbour office · Lobby').waitFor();
  expect(await ada.page.getByText('Early birds').count(), 'over is over').toBe(0);
  expect(await ada.page.getByRole('link', { name: 'Calendar file of Interviews' }).getAttribute('href')).toBe('/schedule/interviews.ics');
  await shoot(ada.page, `start-today-${device}-${colorScheme}`);
  expect(await fits(ada.page)).toBe(true);
  expect(await barriers(ada.page)).toEqual([]);
  await ada.page.getByRole('link', { name: /Weekly review/ }).first().click();
  await ada.page.getByRole('heading', { name: 'weekly-review' }).waitFor();
});

test('an invitation for a calendar, and on paper', async () => {
  const ada = await open('Ada', { ...phone, acceptDownloads: true });
  await ada.join(`${box.url}/Kick-off%20%26%20more`);
  await ada.page.getByRole('button', { name: 'More' }).click();
  await ada.page.getByRole('menuitem', { name: 'Invite people' }).click();
  const dialog = ada.page.getByRole('dialog', { name: 'Invite people' });
  await dialog.getByLabel('Begins').fill('2031-03-04T09:30');
  await dialog.getByLabel('Minutes').fill('3');
  expect(await dialog.getByRole('button', { name: 'Calendar file (.ics)' }).isDisabled()).toBe(true);
  await dialog.getByLabel('Minutes').fill('30');
  await shoot(ada.page, 'invite-phone-light');
  expect(await fits(ada.page)).toBe(true);
  expect(await barriers(ada.page)).toEqual([]);
  const download = ada.page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Calendar file (.ics)' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('Kick-off-more.ics');
  const text = await readFile(await file.path(), 'utf8');
  const begin = new Date(2031, 2, 4, 9, 30).toISOString().replace(/[-:]|\.\d+/g, '');
  expect(text).toContain(`DTSTART:${begin}\r\n`);
  expect(text).toContain('SUMMARY:Kick-off & more\r\n');
  expect(text).toContain(`URL:${box.url}/Kick-off%20%26%20more\r\n`);

  await ada.page.evaluate(() => Object.assign(globalThis, { print: () => Object.assign(globalThis, { printed: true }) }));
  await dialog.getByRole('button', { name: 'Print a sheet' }).click();
  await until('it is printed', 30_000, () => ada.page.evaluate(() => 'printed' in globalThis));
  await ada.page.emulateMedia({ media: 'print' });
  expect(await dialog.getByLabel('Begins').isVisible(), 'only the sheet is printed').toBe(false);
  await ada.page.locator('.sheet svg').waitFor();
  await shoot(ada.page, 'invite-sheet-print');
});
