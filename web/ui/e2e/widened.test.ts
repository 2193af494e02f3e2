import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { look } from './console.ts';
import { allSee, type Guest, until } from './guest.ts';

const box = inject('box');
const { guests, open } = cast(box.url);

async function menu(guest: Guest, item: string): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).click();
  await guest.page.getByRole('menuitem', { name: item }).click();
}

test('somebody is pinned by click and by key; the speaker view is remembered', async () => {
  const ada = await open('Ada');
  await ada.join(`${box.url}/pinned`);
  const ben = await open('Ben');
  await ben.join(`${box.url}/pinned`);
  await allSee(guests, 90_000);
  const stage = ada.page.locator('.tile-stage');
  await ada.page.getByRole('button', { name: 'Pin Ben' }).click();
  await stage.filter({ hasText: 'Ben' }).waitFor();
  expect(await ada.page.getByRole('button', { name: 'Pin Ben' }).getAttribute('aria-pressed')).toBe('true');
  await ada.page.keyboard.press('1');
  await stage.waitFor({ state: 'detached' });
  await ada.page.keyboard.press('0');
  await stage.filter({ hasText: 'You' }).waitFor();
  await ada.page.keyboard.press('w');
  await stage.filter({ hasText: 'Ben' }).waitFor();
  await ada.join(`${box.url}/pinned`);
  await stage.filter({ hasText: 'Ben' }).waitFor();
});

test('who speaks is big, and stays where they were in the grid', async () => {
  const [ada, ben, cleo] = [await open('Ada'), await open('Ben'), await open('Cleo')];
  for (const guest of guests) await guest.join(`${box.url}/speaking-turns`);
  await allSee(guests, 90_000);
  const mic = (guest: Guest) => guest.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await mic(ada);
  await mic(cleo);
  const places = () => ada.page.locator('.tile').evaluateAll((all) => all.map((e) => [(e as HTMLElement).dataset['endpoint'], (e as HTMLElement).style.translate]));
  const before = await places();
  const speaks = (guest: Guest) => ada.page.locator('.tile-speaking').filter({ hasText: guest.name }).waitFor();
  await speaks(ben);
  await ada.page.keyboard.press('w');
  const stage = ada.page.locator('.tile-stage');
  await stage.filter({ hasText: 'Ben' }).waitFor();
  await mic(ben);
  await mic(cleo);
  await stage.filter({ hasText: 'Cleo' }).waitFor();
  await ada.page.keyboard.press('w');
  await stage.waitFor({ state: 'detached' });
  await speaks(cleo);
  expect(await places(), 'nobody has moved').toEqual(before);
});

test('a room with a password lets in who knows it', async () => {
  const ada = await open('Ada');
  await ada.join(`${box.url}/locked`);
  await menu(ada, 'Lobby and password');
  await ada.page.getByRole('textbox', { name: 'Password' }).fill('sesame');
  await ada.page.keyboard.press('Enter');
  await ada.page.locator('.room-lock').waitFor();
  const ben = await open('Ben');
  await ben.page.goto(`${box.url}/locked`);
  await ben.page.getByLabel('Your name').fill('Ben');
  await ben.page.getByRole('button', { name: 'Join meeting' }).click();
  await ben.page.getByRole('heading', { name: 'This meeting has a password' }).waitFor();
  await ben.page.keyboard.type('wrong');
  await ben.page.keyboard.press('Enter');
  await ben.page.getByText('That is not the password').waitFor();
  await look(ben.page, 'password-wrong-light');
  await ben.page.keyboard.type('sesame');
  await ben.page.keyboard.press('Enter');
  await ben.page.getByRole('toolbar').waitFor();
  await ben.page.locator('.room-lock').waitFor();
  await menu(ada, 'Lobby and password');
  await ada.page.getByRole('button', { name: 'Remove password' }).click();
  await ben.page.locator('.room-lock').waitFor({ state: 'detached' });
});

test('an invitation is a link and a QR code', async () => {
  const ada = await open('Ada', { permissions: ['clipboard-read', 'clipboard-write'] });
  await ada.join(`${box.url}/Invited%20people`);
  await menu(ada, 'Invite people');
  const dialog = ada.page.getByRole('dialog');
  await dialog.getByRole('img', { name: /QR code/ }).waitFor();
  await dialog.getByRole('button', { name: 'Copy link' }).click();
  await until('the link is copied', 30_000, async () => (await ada.page.evaluate(() => navigator.clipboard.readText())) === `${box.url}/Invited%20people`);
});

test('the page speaks the language of the browser, and the one that is chosen', async () => {
  const ada = await open('Ada', { locale: 'de-AT' });
  await ada.page.goto(`${box.url}/sprachen`);
  await ada.page.getByLabel('Dein Name').fill('Ada');
  await ada.page.getByRole('button', { name: 'Teilnehmen' }).click();
  await ada.page.getByRole('toolbar').waitFor();
  expect(await ada.page.locator('html').getAttribute('lang')).toBe('de');
  await ada.page.getByRole('button', { name: 'Mehr' }).click();
  await ada.page.getByRole('menuitem', { name: 'Einstellungen' }).click();
  await ada.page.getByLabel('Sprache').selectOption('en');
  await ada.page.getByRole('heading', { name: 'Settings' }).waitFor();
  await ada.page.reload();
  await ada.page.getByLabel('Your name').waitFor();
});
