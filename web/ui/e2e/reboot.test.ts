// The power of a box goes in the middle of a meeting, and comes back: nothing is left of what it had in
// RAM, and nobody has to do anything.

import { expect, test } from 'vitest';
import { cast, ownBox } from './cast.ts';
import { allSee, type Guest, longestFreeze, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = ownBox('log-reboot', 'files.max_mb=7', 'files.total_mb=70');
const { guests, open } = cast(() => box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };
/** From the moment in which all services are well again. */
const within = 60_000;

/** Everybody hears somebody from now on. */
async function allHear(most: number): Promise<void> {
  const before = new Map(await Promise.all(guests.map(async (g) => [g.name, await g.energy()] as const)));
  for (const guest of guests) {
    await until(`${guest.name} hears somebody`, most, async () =>
      Object.entries(await guest.energy()).some(([ssrc, energy]) => energy > (before.get(guest.name)?.[ssrc] ?? 0)),
    );
  }
}

async function filesOf(guest: Guest): Promise<void> {
  await guest.page.getByRole('button', { name: /^More/ }).click();
  await guest.page.getByRole('menuitem', { name: /^Files/ }).click();
}

/** What is said of people who come and go, in the order of saying it. */
async function listen(guest: Guest): Promise<() => Promise<readonly string[]>> {
  await guest.page.evaluate(() => {
    const said: string[] = [];
    Object.assign(globalThis, { testNotices: said });
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) said.push(node.textContent ?? '');
    }).observe(document.querySelector('.notices') ?? document.body, { childList: true });
  });
  return async () => await guest.page.evaluate(() => (globalThis as unknown as { testNotices: string[] }).testNotices);
}

test('the box reboots in a meeting: all are back in it by themselves', { timeout: 400_000 }, async () => {
  for (const [name, options] of [['Ada', desktop], ['Ben', phone], ['Cleo', desktop]] as const) {
    const guest = await open(name, options);
    await guest.join(`${box.url}/reboot`);
  }
  const [ada, ben] = guests as [Guest, Guest, Guest];
  await allSee(guests, 90_000);
  await allHear(60_000);
  await ada.chat('before');
  for (const guest of guests) await until(`${guest.name} reads it`, 30_000, () => guest.hasChat('before'));
  await filesOf(ada);
  const chooser = ada.page.waitForEvent('filechooser');
  await ada.page.getByRole('button', { name: 'Share files' }).click();
  await (await chooser).setFiles([{ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('the plan') }]);
  await ada.page.getByRole('link', { name: 'Download plan.txt' }).waitFor();
  const heard = await listen(ada);

  await box.powerCut();
  for (const guest of guests) {
    await guest.page.getByRole('alert').getByText('The box does not answer.').waitFor();
  }
  await shoot(ada.page, 'reboot-desktop-light');
  await shoot(ben.page, 'reboot-phone-dark');
  for (const guest of [ada, ben]) {
    expect(await barriers(guest.page)).toEqual([]);
    expect(await fits(guest.page)).toBe(true);
  }

  await box.powerOn();
  const since = Date.now();
  const left = () => Math.max(0, since + within - Date.now());
  for (const guest of guests) {
    await until(`${guest.name} is in the meeting`, left(), async () => {
      const { phase, participants } = await guest.state();
      return phase === 'joined' && participants.length === guests.length;
    });
  }
  await allSee(guests, left());
  const freeze = await longestFreeze(guests, 4000);
  expect(freeze.ms, freeze.where).toBeLessThan(3000);
  await allHear(left());
  await ada.chat('after');
  for (const guest of guests) {
    await until(`${guest.name} reads it`, left(), () => guest.hasChat('after'));
    expect(await guest.hasChat('before'), `${guest.name} still has what was written before`).toBe(true);
    expect(await guest.reloaded(), `${guest.name}'s page was reloaded`).toBe(false);
    await until('no words about the interruption', left(), async () => (await guest.page.getByRole('alert').count()) === 0);
  }
  for (const guest of guests) await until(`one moderates at ${guest.name}`, left(), async () => (await guest.state()).participants.filter((p) => p.moderator).length === 1);
  expect((await heard()).filter((text) => /left|joined/.test(text)), 'nobody has come or gone').toEqual([]);
  await shoot(ada.page, 'reboot-over-desktop-light');

  // The bytes were on the disk; who has sent them says to the room that they are there.
  await filesOf(ben);
  const link = ben.page.getByRole('link', { name: 'Download plan.txt' });
  await link.waitFor();
  expect(await (await ben.page.request.get((await link.getAttribute('href')) ?? '')).text()).toBe('the plan');

  // Settings are not in RAM.
  const config = await (await ada.page.request.get(`${box.url}/config.js`)).text();
  expect(config).toContain(`"maxFileSize": ${7 << 20}`);
});
