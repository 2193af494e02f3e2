// Firefox, Debian's own build of it: the same page, another engine.

import { describe, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { launchFirefox } from './firefox.ts';
import { allSee, type Guest, until } from './guest.ts';

const box = inject('box');
const firefox = cast(box.url, launchFirefox);
const chromium = cast(box.url);

describe('Firefox', () => {
  test('alone with Firefox: see, hear, write, mute, leave', async () => {
    const ada = await firefox.open('Ada');
    await ada.join(`${box.url}/two-foxes`);
    const ben = await firefox.open('Ben');
    await ben.join(`${box.url}/two-foxes`);
    await conversation(ada, ben);
  });

  test('together with Chromium', async () => {
    const ada = await firefox.open('Ada', {}, 0);
    await ada.join(`${box.url}/fox-and-chrome`);
    const ben = await chromium.open('Ben', { viewport: { width: 420, height: 400 } });
    await ben.join(`${box.url}/fox-and-chrome`);
    await allSee([ada, ben], 90_000);
    await until('a small tile gets a small picture', 60_000, async () => between(1, await ben.height('Ada'), 359));
    await ben.page.keyboard.press('1');
    await until('the stage gets a big one', 60_000, async () => (await ben.height('Ada')) === 360);
    await conversation(ada, ben);
  });
});

function between(least: number, value: number, most: number): boolean {
  return least <= value && value <= most;
}

async function conversation(ada: Guest, ben: Guest): Promise<void> {
  const both = [ada, ben];
  await allSee(both, 90_000);
  for (const guest of both) {
    const before = await guest.energy();
    await until(`${guest.name} hears the other one`, 30_000, async () =>
      Object.entries(await guest.energy()).some(([ssrc, energy]) => energy > (before[ssrc] ?? 0)),
    );
  }
  await ada.chat('Can you hear me?');
  await ben.chat('Loud and clear');
  for (const guest of both) {
    await until(`${guest.name} reads both`, 30_000, async () => (await guest.hasChat('Can you hear me?')) && (await guest.hasChat('Loud and clear')));
  }
  for (const guest of both) await guest.page.getByRole('textbox', { name: 'Message' }).press('Escape');
  await ada.page.getByRole('button', { name: 'Camera' }).click();
  await until('Ada’s camera is off at Ben', 30_000, async () => (await ben.tile('Ada').locator('video').count()) === 0);
  await ada.page.getByRole('button', { name: 'Camera' }).click();
  await allSee(both, 90_000);
  await ben.page.getByRole('button', { name: 'Leave meeting' }).click();
  await ben.page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
  await until('Ada is alone', 30_000, async () => (await ada.state()).participants.length === 1);
}
