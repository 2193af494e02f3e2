// What moderators do about everybody: mute all but one, moderate microphones, ask somebody to speak,
// newcomers come muted, the end for all; and about one: stop a camera, a shared screen, make a moderator.

import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, type Guest, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };
const patience = { timeout: 300_000 };

const muted = async (guest: Guest) => (await guest.state()).participants[0]?.audioMuted === true;
const person = (guest: Guest, name: string) => guest.page.locator('.person').filter({ hasText: name });

async function tool(guest: Guest, name: string, item: string): Promise<void> {
  await guest.page.getByRole('button', { name: `Moderate ${name}` }).click();
  await guest.page.getByRole('menuitem', { name: item, exact: true }).click();
}

test('microphones are moderated, hands go up in order, one is asked to speak; the meeting ends for all', patience, async () => {
  const room = `${box.url}/plenary`;
  const ada = await open('Ada', desktop);
  await ada.join(room);
  const ben = await open('Ben', phone);
  await ben.join(room);
  const cleo = await open('Cleo', desktop);
  await cleo.join(room);
  for (const guest of [ada, ben, cleo]) await until(`the bridge carries ${guest.name}`, 60_000, async () => (await guest.state()).media === 'connected');

  await ada.page.getByRole('button', { name: /^People/ }).click();
  await tool(ada, 'Cleo', 'Mute everybody but Cleo');
  await until('Ben is muted', 30_000, () => muted(ben));
  expect(await muted(cleo), 'Cleo goes on').toBe(false);
  expect(await muted(ada), 'and so does who asked for it').toBe(false);
  await ada.page.getByRole('button', { name: 'Mute everybody else' }).click();
  await until('Cleo is muted', 30_000, () => muted(cleo));

  await ada.page.getByRole('button', { name: 'Rules for the meeting' }).click();
  await ada.page.getByRole('checkbox', { name: 'People may unmute themselves' }).uncheck();
  await ben.page.getByText('Microphones are moderated now').first().waitFor();
  await shoot(ada.page, 'people-rules-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  await ben.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await ben.page.getByText('A moderator has to let you speak.').first().waitFor();
  expect(await muted(ben)).toBe(true);

  // Hands, the first one first.
  await cleo.page.getByRole('button', { name: 'Raise hand' }).click();
  await person(ada, 'Cleo').getByText('hand raised, number 1').waitFor();
  await ben.page.getByRole('button', { name: 'More' }).click();
  await ben.page.getByRole('menuitem', { name: 'Raise hand' }).click();
  await person(ada, 'Ben').getByText('hand raised, number 2').waitFor();
  await expect.poll(() => ada.page.locator('.person-name').allTextContents()).toEqual(['Cleo', 'Ben', 'Ada (you)']);

  await tool(ada, 'Ben', 'Ask to unmute');
  await ben.page.getByText('A moderator invites you to speak.').first().waitFor();
  await ben.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await until('Ben speaks', 30_000, async () => !(await muted(ben)));
  await person(ada, 'Ben').getByText('microphone on').waitFor();
  await cleo.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await cleo.page.getByText('A moderator has to let you speak.').first().waitFor();
  await ben.page.getByRole('button', { name: /^People/ }).click();
  await shoot(ben.page, 'people-phone-dark');
  expect(await fits(ben.page)).toBe(true);
  expect(await barriers(ben.page)).toEqual([]);

  await ada.page.getByRole('checkbox', { name: 'People may unmute themselves' }).check();
  await cleo.page.getByText('You may unmute yourself again.').first().waitFor();
  await cleo.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await until('Cleo speaks', 30_000, async () => !(await muted(cleo)));

  // Who joins from now on comes muted.
  await ada.page.getByRole('checkbox', { name: 'Who joins comes muted' }).check();
  await cleo.page.getByRole('button', { name: 'Leave meeting' }).click();
  await cleo.page.getByRole('button', { name: 'Rejoin' }).click();
  await until('Cleo comes back muted', 30_000, () => muted(cleo));

  await ada.page.getByRole('button', { name: 'More' }).click();
  await shoot(ada.page, 'more-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  await ada.page.getByRole('menuitem', { name: 'End meeting for all' }).click();
  await ada.page.getByRole('dialog').getByText('2 others leave the meeting at once.').waitFor();
  await shoot(ada.page, 'end-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  await ada.page.getByRole('dialog').getByRole('button', { name: 'End for all' }).click();
  for (const guest of [ada, ben, cleo]) await guest.page.getByRole('heading', { name: 'The meeting has ended' }).waitFor();
  await shoot(ben.page, 'ended-phone-dark');
  expect(await barriers(ben.page)).toEqual([]);
});


test('one’s camera and screen are stopped; who is made a moderator moderates', patience, async () => {
  const room = `${box.url}/small-plenary`;
  const ada = await open('Ada', desktop);
  await ada.join(room);
  const ben = await open('Ben', desktop);
  await ben.join(room);
  await allSee([ada, ben], 90_000);
  const me = async (guest: Guest) => (await guest.state()).participants[0];
  expect((await me(ben))?.moderator).toBe(false);

  await ada.page.getByRole('button', { name: /^People/ }).click();
  await tool(ada, 'Ben', 'Stop camera');
  await ben.page.getByText('Ada turned off your camera.').first().waitFor();
  await until('it is off', 30_000, async () => (await me(ben))?.videoMuted === true);
  // Only Ben can turn it on again.
  await ada.page.getByRole('button', { name: 'Moderate Ben' }).click();
  await ada.page.getByRole('menuitem', { name: 'Make moderator' }).waitFor();
  expect(await ada.page.getByRole('menuitem', { name: /camera/ }).count()).toBe(0);
  await ada.page.keyboard.press('Escape');
  await ben.page.getByRole('button', { name: 'Camera', exact: true }).click();
  await until('it is on', 30_000, async () => (await me(ben))?.videoMuted === false);

  // Cameras are moderated as microphones are.
  await ada.page.getByRole('button', { name: 'Rules for the meeting' }).click();
  await ada.page.getByRole('button', { name: 'Stop all other cameras' }).click();
  await until('it is off again', 30_000, async () => (await me(ben))?.videoMuted === true);
  const rule = ada.page.getByRole('checkbox', { name: 'People may turn on their camera' });
  await rule.uncheck();
  await ben.page.getByText('Cameras are moderated now.').first().waitFor();
  await ben.page.getByRole('button', { name: 'Camera', exact: true }).click();
  await ben.page.getByText('A moderator has to let you show a picture.').first().waitFor();
  expect((await me(ben))?.videoMuted).toBe(true);
  await rule.check();
  await ben.page.getByText('You may turn on your camera again.').first().waitFor();
  await ben.page.getByRole('button', { name: 'Camera', exact: true }).click();
  await until('it is on', 30_000, async () => (await me(ben))?.videoMuted === false);

  await ben.page.getByRole('button', { name: 'Share your screen' }).click();
  await until('Ada sees that Ben shares', 30_000, async () => (await ada.state()).participants[1]?.sharing === true);
  await tool(ada, 'Ben', 'Stop screen sharing');
  await ben.page.getByText('Ada stopped your screen sharing.').first().waitFor();
  await until('it is over', 30_000, async () => (await ada.state()).participants[1]?.sharing === false);

  // What is written while the chat is closed is counted.
  await ben.page.getByRole('button', { name: 'Chat', exact: true }).click();
  await ben.page.getByRole('textbox', { name: 'Message' }).fill('Shall I take over?');
  await ben.page.keyboard.press('Enter');
  await ada.page.getByRole('button', { name: 'Chat, 1 new message' }).waitFor();
  await shoot(ada.page, 'people-one-desktop-light');
  await tool(ada, 'Ben', 'Make moderator');
  await ben.page.getByText('You are a moderator of this meeting now.').first().waitFor();
  await ben.page.getByRole('button', { name: /^People/ }).click();
  await tool(ben, 'Ada', 'Mute');
  await ada.page.getByText('Ben muted you. Unmute when you want to speak.').first().waitFor();
  await until('Ada is muted', 30_000, () => muted(ada));
  await ada.page.getByRole('button', { name: 'Chat, 1 new message' }).click();
  await ada.page.getByText('Shall I take over?', { exact: true }).waitFor();
  await ada.page.getByRole('button', { name: 'Chat', exact: true }).waitFor();
  expect((await ada.state()).unread).toBe(0);
});
