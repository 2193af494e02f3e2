// The chat: to everybody, to one, answers, reactions, deletions, and nothing lost on the way.

import { expect, inject, test } from 'vitest';
import { kill } from './box.ts';
import { cast } from './cast.ts';
import { own } from './console.ts';
import { type Guest, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
// Three browsers on a machine that does other things as well.
const patience = { timeout: 300_000 };
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };

function line(guest: Guest, text: string) {
  return guest.page.locator('.line').filter({ hasText: text });
}

async function openChat(guest: Guest): Promise<void> {
  await guest.page.getByRole('button', { name: /^Chat/ }).click();
  await guest.page.getByRole('textbox', { name: 'Message' }).waitFor();
}

test('answers, reactions and deletions arrive; a private line is read by one person only', patience, async () => {
  const room = `${box.url}/chatting`;
  const ada = await open('Ada', desktop);
  await ada.join(room);
  const ben = await open('Ben', phone);
  await ben.join(room);
  const cleo = await open('Cleo', desktop);
  await cleo.join(room);
  await until('all are there', 30_000, async () => (await ada.state()).participants.length === 3);

  await ada.chat('The plan is at https://box.local/plan.pdf.');
  await openChat(ben);
  await openChat(cleo);
  const plan = line(cleo, 'The plan is at');
  await plan.waitFor();
  expect(await plan.getByRole('link').getAttribute('href')).toBe('https://box.local/plan.pdf');

  // An answer, with the line that it answers.
  await plan.hover();
  await plan.getByRole('button', { name: 'Message of Ada' }).click();
  await cleo.page.getByRole('button', { name: 'Reply', exact: true }).click();
  await cleo.page.getByRole('textbox', { name: 'Message' }).fill('Page 7 is missing');
  await cleo.page.keyboard.press('Enter');
  for (const guest of [ada, ben]) {
    const answer = line(guest, 'Page 7 is missing');
    await answer.waitFor();
    await answer.locator('.line-quote').filter({ hasText: 'The plan is at' }).waitFor();
  }

  // A reaction, by two.
  const missing = line(ben, 'Page 7 is missing');
  await missing.getByRole('button', { name: 'Message of Cleo' }).click();
  await missing.getByRole('button', { name: 'React with 👍' }).click();
  await line(cleo, 'Page 7 is missing').getByRole('button', { name: '👍 1 from Ben' }).waitFor();
  await line(ada, 'Page 7 is missing').getByRole('button', { name: '👍 1 from Ben' }).click();
  await line(cleo, 'Page 7 is missing').getByRole('button', { name: '👍 2 from Ben, Ada' }).waitFor();

  // In private: both ends see that it is.
  await ada.page.getByRole('combobox', { name: 'To' }).selectOption({ label: 'Ben' });
  await ada.page.getByPlaceholder('Only Ben reads this').fill('Shall we send page 7 later?');
  await ada.page.keyboard.press('Enter');
  await line(ada, 'Shall we send page 7 later?').getByText('Private, to Ben').waitFor();
  await line(ben, 'Shall we send page 7 later?').getByText('Private, only for you').waitFor();
  await ada.page.getByRole('combobox', { name: 'To' }).selectOption({ label: 'Everybody' });
  await ada.page.getByRole('textbox', { name: 'Message' }).fill('Back in five minutes');
  await ada.page.keyboard.press('Enter');
  await line(cleo, 'Back in five minutes').waitFor();
  expect(await cleo.hasChat('Shall we send page 7 later?'), 'Cleo reads nothing of it').toBe(false);

  // Answering a private line stays private.
  const asked = line(ben, 'Shall we send page 7 later?');
  await asked.getByRole('button', { name: 'Message of Ada' }).click();
  await asked.getByRole('button', { name: 'Reply', exact: true }).click();
  await ben.page.getByPlaceholder('Only Ada reads this').fill('Yes, tonight');
  await ben.page.keyboard.press('Enter');
  await line(ada, 'Yes, tonight').getByText('Private, only for you').waitFor();
  expect(await cleo.hasChat('Yes, tonight')).toBe(false);

  // Taken back.
  const five = line(ada, 'Back in five minutes');
  await five.hover();
  await five.getByRole('button', { name: 'Message of You' }).click();
  await five.getByRole('button', { name: 'Delete' }).click();
  for (const guest of [ada, ben, cleo]) {
    await guest.page.getByText('This message was deleted.').waitFor();
    expect(await line(guest, 'Back in five minutes').count()).toBe(0);
  }

  await missing.getByRole('button', { name: 'Message of Cleo' }).click();
  await shoot(ada.page, 'chat-desktop-light');
  await shoot(ben.page, 'chat-phone-dark');
  expect(await fits(ben.page)).toBe(true);
  for (const guest of [ada, ben, cleo]) expect(await barriers(guest.page)).toEqual([]);

  // Somebody one writes to in private leaves: nothing goes to everybody by mistake.
  await ada.page.getByRole('combobox', { name: 'To' }).selectOption({ label: 'Cleo' });
  await cleo.page.getByRole('button', { name: 'Leave meeting' }).click();
  await ada.page.locator('.composer-gone').waitFor();
  expect(await ada.page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
});

test('what is written while the box restarts arrives once, public and private', patience, async () => {
  const room = `${box.url}/chat-restart`;
  const ada = await open('Ada', desktop);
  await ada.join(room);
  const ben = await open('Ben', desktop);
  await ben.join(room);
  await until('both are there', 30_000, async () => (await ada.state()).participants.length === 2);
  await openChat(ada);
  await kill(box, 'signaling');
  const write = async (text: string) => {
    await ada.page.getByRole('textbox', { name: 'Message' }).fill(text);
    await ada.page.keyboard.press('Enter');
  };
  await write('during the restart');
  await ada.page.getByRole('combobox', { name: 'To' }).selectOption({ label: 'Ben' });
  await write('only for you, during the restart');
  const count = async (guest: Guest, text: string) => (await guest.state()).chat.filter((m) => m.text === text).length;
  for (const text of ['during the restart', 'only for you, during the restart']) {
    for (const guest of [ben, ada]) {
      await until(`${guest.name} reads "${text}"`, 30_000, async () => (await count(guest, text)) > 0);
      expect(await count(guest, text)).toBe(1);
    }
  }
});

test('who comes late reads what was said to all, once, with its names and times', patience, async () => {
  const admin = (await open('Workshop', desktop, null, box.consoleUrl)).page;
  await own(admin, box);
  const remember = (history: number) =>
    admin.evaluate(async (n) => {
      const path = '/api/v1/settings/rooms';
      const now = await fetch(path);
      const body = JSON.stringify({ ...((await now.json()) as object), history: n });
      return (await fetch(path, { method: 'PUT', body, headers: { 'Content-Type': 'application/json', 'If-Match': now.headers.get('ETag') ?? '' } })).status;
    }, history);
  expect(await remember(20)).toBe(200);
  try {
    await latecomer();
  } finally {
    await remember(0);
  }
});

async function latecomer(): Promise<void> {
  const room = `${box.url}/latecomers`;
  const ada = await open('Ada', desktop);
  await ada.join(room);
  const ben = await open('Ben', desktop);
  await ben.join(room);
  await until('both are there', 30_000, async () => (await ada.state()).participants.length === 2);
  await ada.chat('The tide turns at four');
  await openChat(ben);
  await line(ben, 'The tide turns at four').waitFor();
  await ben.chat('Then we cast off at three');
  await line(ada, 'Then we cast off at three').waitFor();
  await ada.page.getByRole('combobox', { name: 'To' }).selectOption({ label: 'Ben' });
  await ada.page.getByPlaceholder('Only Ben reads this').fill('Bring the charts');
  await ada.page.keyboard.press('Enter');
  await line(ben, 'Bring the charts').waitFor();
  const times = (guest: Guest) => guest.page.locator('.line time').evaluateAll((all) => all.map((time) => Date.parse((time as HTMLTimeElement).dateTime)));
  const said = await times(ada);
  const then = Date.now();
  // Who said something may have left, and the server may be another one.
  await ben.page.getByRole('button', { name: 'Leave meeting' }).click();
  await until('Ben has left', 30_000, async () => (await ada.state()).participants.length === 1);
  await kill(box, 'signaling');
  await until('Ada is back', 30_000, async () => (await ada.state()).phase === 'joined');

  const cleo = await open('Cleo', phone);
  await cleo.join(room);
  await until('Cleo has the history', 30_000, () => cleo.hasChat('Then we cast off at three'));
  expect(await cleo.page.getByRole('button', { name: /^Chat, .* new message/ }).count(), 'what is past is no news').toBe(0);
  await openChat(cleo);
  await line(cleo, 'Then we cast off at three').waitFor();
  await ada.page.getByRole('combobox', { name: 'To' }).selectOption({ label: 'Everybody' });
  await ada.chat('Welcome, Cleo');
  await line(cleo, 'Welcome, Cleo').waitFor();
  const lines = (guest: Guest) => guest.page.locator('.line-text').allTextContents();
  const all = ['The tide turns at four', 'Then we cast off at three', 'Welcome, Cleo'];
  expect((await lines(cleo)).map((text) => text.trim())).toEqual(all);
  expect(await cleo.page.locator('.line-name').allTextContents()).toEqual(['Ada', 'Ben', 'Ada']);
  for (const [i, time] of (await times(cleo)).slice(0, 2).entries()) {
    expect(time, 'they were said when they were said').toBeLessThanOrEqual(then);
    expect(time).toBeGreaterThan((said[i] ?? Number.NaN) - 5000);
  }

  // Coming again repeats nothing, and nobody else's lines are doubled.
  await cleo.page.reload();
  await cleo.join(room);
  await openChat(cleo);
  await line(cleo, 'Welcome, Cleo').waitFor();
  expect((await lines(cleo)).map((text) => text.trim())).toEqual(all);
  expect((await lines(ada)).filter((text) => text === 'Welcome, Cleo')).toHaveLength(1);
  await shoot(cleo.page, 'chat-latecomer-phone-dark');
}
