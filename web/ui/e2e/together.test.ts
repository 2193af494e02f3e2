// What people do together: polls, reactions, speaking time. Each is seen to arrive at the others.

import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { type Guest, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
// Three browsers on a machine that does other things as well.
const patience = { timeout: 300_000 };
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };

async function menu(guest: Guest, item: string | RegExp): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).click();
  await guest.page.getByRole('menuitem', { name: item }).click();
}

async function meet(room: string): Promise<readonly [Guest, Guest]> {
  const ada = await open('Ada', desktop);
  await ada.join(`${box.url}/${room}`);
  const ben = await open('Ben', phone);
  await ben.join(`${box.url}/${room}`);
  await until('both are there', 30_000, async () => (await ada.state()).participants.length === 2);
  return [ada, ben];
}

test('a poll is asked, voted on, changed; who comes later sees it', patience, async () => {
  const [ada, ben] = await meet('polls');
  await menu(ada, 'Polls');
  await shoot(ada.page, 'polls-empty-desktop-light');
  await ada.page.getByRole('button', { name: 'New poll' }).click();
  await ada.page.getByRole('button', { name: 'Start poll' }).click();
  await ada.page.getByText('Write what you want to ask.').waitFor();
  await ada.page.getByText('Give at least two different answers.').waitFor();
  await ada.page.getByLabel('Question').fill('Where do we eat?');
  await ada.page.getByRole('textbox', { name: 'Answer 1' }).fill('Canteen');
  await ada.page.getByRole('textbox', { name: 'Answer 2' }).fill('The place by the harbour');
  await ada.page.getByRole('button', { name: 'Add an answer' }).click();
  await ada.page.getByRole('textbox', { name: 'Answer 3' }).fill('At the desk');
  await shoot(ada.page, 'polls-new-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  await ada.page.getByRole('button', { name: 'Start poll' }).click();

  await ben.page.getByText('Ada asks: Where do we eat?').first().waitFor();
  await ben.page.getByRole('button', { name: 'More' }).click();
  await shoot(ben.page, 'more-phone-dark');
  expect(await barriers(ben.page)).toEqual([]);
  await ben.page.getByRole('menuitem', { name: 'Polls 1 new' }).click();
  const atBen = ben.page.getByRole('region', { name: 'Where do we eat?' });
  await atBen.getByText('Asked by Ada').waitFor();
  await atBen.getByRole('checkbox', { name: 'Canteen' }).check();
  await atBen.getByRole('button', { name: 'Vote' }).click();
  await atBen.getByText('your vote').waitFor();
  const atAda = ada.page.getByRole('region', { name: 'Where do we eat?' });
  await atAda.getByText('One person has voted').waitFor();
  await atAda.getByRole('button', { name: 'Show results' }).click();
  await atAda.getByRole('listitem').filter({ hasText: 'Canteen' }).filter({ hasText: 'Ben' }).waitFor();

  // Another answer, by the same person.
  await atBen.getByRole('button', { name: 'Change my vote' }).click();
  await atBen.getByRole('checkbox', { name: 'Canteen' }).uncheck();
  await atBen.getByRole('checkbox', { name: 'The place by the harbour' }).check();
  await atBen.getByRole('button', { name: 'Vote' }).click();
  await atAda.getByRole('listitem').filter({ hasText: 'harbour' }).filter({ hasText: 'Ben' }).waitFor();
  await atAda.getByText('One person has voted').waitFor();

  const cleo = await open('Cleo', desktop);
  await cleo.join(`${box.url}/polls`);
  await menu(cleo, /^Polls/);
  const atCleo = cleo.page.getByRole('region', { name: 'Where do we eat?' });
  await atCleo.getByRole('checkbox', { name: 'The place by the harbour' }).check();
  await atCleo.getByRole('button', { name: 'Vote' }).click();
  await atAda.getByText('2 people have voted').waitFor();
  await shoot(ada.page, 'polls-desktop-light');
  await shoot(ben.page, 'polls-phone-dark');
  expect(await fits(ben.page)).toBe(true);
  for (const guest of [ada, ben, cleo]) expect(await barriers(guest.page)).toEqual([]);
});

test('reactions fly over the others’ pictures, not too many, and still where motion is not wanted', patience, async () => {
  const ada = await open('Ada', desktop);
  await ada.join(`${box.url}/reactions`);
  const ben = await open('Ben', { ...desktop, reducedMotion: 'reduce' });
  await ben.join(`${box.url}/reactions`);
  await until('the bridge carries both', 30_000, async () => (await ada.state()).media === 'connected' && (await ben.state()).media === 'connected');
  await ada.page.getByRole('button', { name: 'React' }).click();
  await shoot(ada.page, 'reactions-menu-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  const atBen = ben.page.locator('.fly');
  const seen = atBen.filter({ hasText: 'Ada' }).first();
  await ada.page.getByRole('button', { name: 'Applause' }).click();
  // It does not fly for long: all at once.
  expect(await seen.evaluate((e: HTMLElement) => [e.dataset['reaction'], getComputedStyle(e).animationName])).toEqual(['clap', 'stand']);
  await until('a screen reader hears it', 30_000, async () => (await ben.page.getByText('Ada: Applause').count()) > 0);
  // All at once: the limit is one of time.
  await ada.page.getByRole('button', { name: 'Thumbs up' }).evaluate((button: HTMLButtonElement) => {
    for (let i = 0; i < 12; i++) button.click();
  });
  await ada.page.getByRole('dialog', { name: 'React' }).getByText('Give the others a moment before the next one.').waitFor();
  await shoot(ada.page, 'reactions-desktop-light');
  await until('they are gone', 30_000, async () => (await atBen.count()) === 0);
});

/** Of "1:02:03". */
const secondsOf = (text: string) => text.split(':').reduce((t, n) => t * 60 + Number(n), 0);

test('speaking time is counted for everybody, and the meeting’s own', patience, async () => {
  const [ada, ben] = await meet('speaking');
  await until('somebody speaks', 30_000, async () => (await ada.state()).dominantSpeaker !== null);
  await menu(ada, 'Speaking time');
  const row = (guest: Guest, name: string) => guest.page.getByRole('row', { name });
  await row(ada, 'Ben').waitFor();
  const seconds = async (guest: Guest) =>
    (await guest.page.locator('.speakers td').allTextContents()).reduce((sum, text) => sum + secondsOf(text), 0);
  await until('time passes', 60_000, async () => (await seconds(ada)) >= 3);
  await shoot(ada.page, 'speakers-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  // Who comes later is told.
  const cleo = await open('Cleo', phone);
  await cleo.join(`${box.url}/speaking`);
  await menu(cleo, 'Speaking time');
  await until('Cleo sees what was before', 30_000, async () => (await seconds(cleo)) >= 2);
  // And how long all of it has been going on.
  const clock = async (guest: Guest) => secondsOf((await guest.page.locator('.timer').textContent()) ?? '');
  let hers = 0;
  await until('Cleo’s clock is the meeting’s', 30_000, async () => {
    const early = await clock(ada);
    hers = await clock(cleo);
    return early >= 3 && hers >= early - 1 && hers <= (await clock(ada)) + 1;
  });
  await until('it goes on', 30_000, async () => (await clock(cleo)) > hers);
  await shoot(cleo.page, 'speakers-phone-dark');
  expect(await fits(cleo.page)).toBe(true);
  void ben;
});
