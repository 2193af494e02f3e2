import { describe, expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { look } from './console.ts';
import { allSee, type Guest, longestFreeze, until } from './guest.ts';

const box = inject('box');
const { guests, open } = cast(box.url);

async function meet(room: string, ...names: string[]): Promise<Guest[]> {
  for (const name of names) {
    const guest = await open(name);
    await guest.join(`${box.url}/${room}`);
  }
  return guests;
}

describe('three people in a room', () => {
  test('see and hear each other, write, mute and leave', async () => {
    const [ada, ben, cleo] = (await meet('first-meeting', 'Ada', 'Ben', 'Cleo')) as [Guest, Guest, Guest];
    await allSee(guests, 90_000);

    const before = await Promise.all(guests.map(async (g) => ({ frames: await g.frames(), energy: await g.energy() })));
    const freeze = await longestFreeze(guests, 10_000);
    expect(freeze.ms, freeze.where).toBeLessThan(3000);
    const after = await Promise.all(guests.map(async (g) => ({ frames: await g.frames(), energy: await g.energy() })));
    guests.forEach((guest, i) => {
      for (const other of guests) {
        if (other === guest) continue;
        const grown = (after[i]?.frames[other.name] ?? 0) - (before[i]?.frames[other.name] ?? 0);
        expect(grown, `frames of ${other.name} at ${guest.name} in 10 s`).toBeGreaterThan(40);
      }
      const louder = Object.entries(after[i]?.energy ?? {}).filter(([ssrc, energy]) => energy > (before[i]?.energy[ssrc] ?? 0));
      expect(louder.length, `voices heard by ${guest.name}: ${JSON.stringify(after[i]?.energy)}`).toBe(2);
    });

    await until('the first one is moderator', 30_000, async () => (await ada.state()).participants[0]?.moderator === true);
    expect((await ben.state()).participants[0]?.moderator, 'the second one is not').toBe(false);

    await ada.chat('Good morning');
    for (const guest of guests) await until(`${guest.name} reads it`, 30_000, () => guest.hasChat('Good morning'));
    await ben.page.getByRole('button', { name: 'Chat, 1 new message' }).waitFor();

    await ben.page.getByRole('button', { name: 'Microphone' }).click();
    await ben.page.getByRole('button', { name: 'Camera' }).click();
    for (const guest of [ada, cleo]) {
      await guest.tile('Ben').getByText('microphone off').waitFor();
      await until(`${guest.name} sees that Ben's camera is off`, 30_000, async () => (await guest.tile('Ben').locator('video').count()) === 0);
    }
    await ben.page.getByRole('button', { name: 'Camera' }).click();
    await allSee(guests, 90_000);

    await cleo.page.getByRole('button', { name: 'Leave meeting' }).click();
    await cleo.page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
    for (const guest of [ada, ben]) await until(`${guest.name} sees Cleo leave`, 30_000, async () => (await guest.state()).participants.length === 2);

    await cleo.page.getByRole('button', { name: 'Rejoin' }).click();
    await allSee(guests, 90_000);
  });

  test('a moderator mutes and removes somebody', async () => {
    const [ada, ben] = (await meet('moderated', 'Ada', 'Ben')) as [Guest, Guest];
    await allSee(guests, 90_000);
    await ada.page.getByRole('button', { name: /^People/ }).click();
    await ada.page.getByRole('button', { name: 'Moderate Ben' }).click();
    await ada.page.getByRole('menuitem', { name: 'Mute', exact: true }).click();
    await until('Ben is muted', 30_000, async () => (await ben.state()).participants[0]?.audioMuted === true);
    await ben.page.getByText('Ada muted you').first().waitFor();

    await ada.page.getByRole('button', { name: 'Moderate Ben' }).click();
    await ada.page.getByRole('menuitem', { name: 'Remove from meeting' }).click();
    await ada.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await ben.page.getByRole('heading', { name: /removed you from the meeting|You were removed/ }).waitFor();
    await until('Ben is gone', 30_000, async () => (await ada.state()).participants.length === 1);
    await look(ben.page, 'removed-light');
  });

  test('a shared screen is seen large, and goes again', async () => {
    const [ada, ben] = (await meet('shared-screen', 'Ada', 'Ben')) as [Guest, Guest];
    await allSee(guests, 90_000);
    await ada.page.getByRole('button', { name: 'Share your screen' }).click();
    await ada.page.getByRole('status').getByText('Everybody sees your screen.').waitFor();
    const screen = ben.page.locator('.tile-stage[data-picture="screen"]').filter({ hasText: 'Ada’s screen' });
    const shown = () => screen.locator('video').evaluate((v: HTMLVideoElement) => v.getVideoPlaybackQuality().totalVideoFrames);
    await screen.locator('video').waitFor();
    await until('the screen moves', 30_000, async () => (await shown()) > 3);
    await allSee(guests, 90_000);
    await ada.page.getByRole('button', { name: 'Stop sharing' }).click();
    await screen.waitFor({ state: 'detached' });
    await allSee(guests, 90_000);
  });

  test('a tab that is closed leaves', async () => {
    const [ada, ben] = (await meet('closed-tab', 'Ada', 'Ben')) as [Guest, Guest];
    await until('both are there', 30_000, async () => (await ada.state()).participants.length === 2);
    await ben.page.close({ runBeforeUnload: true });
    await until('Ben is gone', 30_000, async () => (await ada.state()).participants.length === 1);
  });
});
