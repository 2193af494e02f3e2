// Which microphone, camera and speaker somebody uses: chosen in the settings, used at once, and remembered.

import type { Locator } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, type Guest, launch, until } from './guest.ts';
import { shoot } from './look.ts';

const box = inject('box');
// Of three cameras the first and the last: Chromium's second one sends MJPEG, of which nothing comes through WebRTC.
const { guests, open } = cast(box.url, () => launch(['--use-fake-device-for-media-stream=device-count=3,fps=15']));

/** The device that is the source of what is sent of a kind now, '' for none. */
async function sent(guest: Guest, kind: 'audio' | 'video'): Promise<string> {
  return await guest.page.evaluate((wanted) => {
    const { testPeers } = globalThis as unknown as { testPeers: RTCPeerConnection[] };
    const tracks = testPeers.filter((p) => p.connectionState === 'connected').flatMap((p) => p.getSenders().map((s) => s.track));
    return tracks.find((t) => t?.kind === wanted && t.readyState === 'live')?.getSettings().deviceId ?? '';
  }, kind);
}

/** Where every voice is played; '' is the system's speaker. */
async function sinks(guest: Guest): Promise<readonly string[]> {
  return await guest.page.evaluate(() => [...document.querySelectorAll('audio')].filter((a) => a.srcObject !== null).map((a) => a.sinkId));
}

/** Ada is seen and heard from now on, too. */
async function goesOn(ben: Guest): Promise<void> {
  const heard = async () => Math.max(0, ...Object.values(await ben.energy()));
  const [frames, energy] = [(await ben.frames())['Ada'] ?? 0, await heard()];
  await until('Ben sees Ada move', 30_000, async () => ((await ben.frames())['Ada'] ?? 0) > frames + 5);
  await until('Ben hears Ada', 30_000, async () => (await heard()) > energy);
}

function choice(guest: Guest, label: string): Locator {
  return guest.page.getByRole('combobox', { name: label, exact: true });
}

/** Chooses the last device of a kind that is not the given one, and returns its id. */
async function takeAnother(guest: Guest, label: string, first: string): Promise<string> {
  const field = choice(guest, label);
  let id = '';
  await until(`${label}: another one is offered`, 30_000, async () => {
    const ids = await field.locator('option').evaluateAll((all) => all.map((o) => (o as HTMLOptionElement).value));
    id = ids.findLast((i) => i !== '' && i !== first) ?? '';
    return id !== '';
  });
  await field.selectOption(id);
  return id;
}

async function settings(guest: Guest, work: () => Promise<void>): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).click();
  await guest.page.getByRole('menuitem', { name: 'Settings' }).click();
  await work();
  await guest.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
}

test('are chosen in the settings, used at once, and remembered', { timeout: 300_000 }, async () => {
  const room = `${box.url}/two-of-each`;
  const ada = await open('Ada', { viewport: { width: 1280, height: 800 } });
  await ada.join(room);
  const ben = await open('Ben');
  await ben.join(room);
  await allSee(guests, 90_000);
  await goesOn(ben);
  const peers = () => ada.page.evaluate(() => (globalThis as unknown as { testPeers: unknown[] }).testPeers.length);
  const before = { endpoint: (await ada.state()).endpoint, peers: await peers() };
  const [voice, picture] = [await sent(ada, 'audio'), await sent(ada, 'video')];
  let [microphone, camera, speaker] = ['', '', ''];
  await settings(ada, async () => {
    microphone = await takeAnother(ada, 'Microphone', voice);
    await until('the other microphone is sent', 30_000, async () => (await sent(ada, 'audio')) === microphone);
    await goesOn(ben);
    camera = await takeAnother(ada, 'Camera', picture);
    await until('the other camera is sent', 30_000, async () => (await sent(ada, 'video')) === camera);
    await goesOn(ben);
    speaker = await takeAnother(ada, 'Speaker', '');
    await until('Ben’s voice comes from the other speaker', 30_000, async () => String(await sinks(ada)) === speaker);
    await shoot(ada.page, 'devices-settings-desktop');
  });
  expect({ endpoint: (await ada.state()).endpoint, peers: await peers() }, 'she never left').toEqual(before);

  // Muted, another one is chosen, and is the one that is heard afterwards.
  const muted = (wanted: boolean) => until(`muted is ${wanted}`, 30_000, async () => (await ada.state()).participants[0]?.audioMuted === wanted);
  await ada.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await muted(true);
  let third = '';
  await settings(ada, async () => {
    third = await takeAnother(ada, 'Microphone', microphone);
  });
  expect((await ada.state()).participants[0]?.audioMuted, 'choosing turns nothing on').toBe(true);
  await ada.page.getByRole('button', { name: 'Microphone', exact: true }).click();
  await muted(false);
  await until('the third microphone is sent', 30_000, async () => (await sent(ada, 'audio')) === third);
  await goesOn(ben);

  await ada.page.getByRole('button', { name: 'Leave meeting' }).click();
  await ada.page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
  await ada.page.goto(room);
  for (const [label, id] of [['Microphone', third], ['Camera', camera], ['Speaker', speaker]] as const) {
    await until(`${label} is still chosen before the meeting`, 30_000, async () => (await choice(ada, label).inputValue()) === id);
  }
  await ada.join(room);
  await allSee(guests, 90_000);
  await until('they are sent again', 30_000, async () => (await sent(ada, 'audio')) === third && (await sent(ada, 'video')) === camera);
  await until('and the speaker is used again', 30_000, async () => String(await sinks(ada)) === speaker);
  await goesOn(ben);
});
