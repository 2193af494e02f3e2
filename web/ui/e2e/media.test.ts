// What people do with their own picture and sound, seen and heard where it arrives.

import { readFile } from 'node:fs/promises';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, inject, test, vi } from 'vitest';
import { cast } from './cast.ts';
import { allSee, type Guest, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';
import { microphoneOf, type Sound } from './sounds.ts';

const box = inject('box');
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 800 } };
const { guests, open: enter } = cast(box.url);

// Drawing, recording and finding people is a lot for a machine that is busy with something else.
vi.setConfig({ testTimeout: 400_000 });

async function open(name: string, options: BrowserContextOptions = {}, sitter: number | null = null): Promise<Guest> {
  const guest = await enter(name, options, sitter);
  guest.page.setDefaultTimeout(90_000);
  return guest;
}

async function menu(guest: Guest, item: string): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).click();
  await guest.page.getByRole('menuitem', { name: item }).click();
}

async function hears(guest: Guest, sound: Sound): Promise<void> {
  await guest.page.addInitScript(microphoneOf, sound);
}

/** Differences between neighbouring pixels in a part of a video (fractions of its size): how sharp it is there. */
async function detail(page: Page, selector: string, part: readonly [number, number, number, number]): Promise<number> {
  return await page.evaluate(
    ([css, [left, top, width, height]]) => {
      const video = document.querySelector<HTMLVideoElement>(css);
      if (!video || video.videoWidth === 0) return -1;
      const canvas = new OffscreenCanvas(320, 180);
      const c = canvas.getContext('2d', { willReadFrequently: true });
      if (!c) return -1;
      c.drawImage(video, 0, 0, 320, 180);
      const [w, h] = [Math.floor(width * 320), Math.floor(height * 180)];
      const { data } = c.getImageData(Math.floor(left * 320), Math.floor(top * 180), w, h);
      let sum = 0;
      for (let y = 0; y < h; y++) for (let x = 1; x < w; x++) sum += Math.abs((data[4 * (y * w + x)] ?? 0) - (data[4 * (y * w + x - 1)] ?? 0));
      return sum / (w * h);
    },
    [selector, part] as const,
  );
}

/** The mean colour of a part of a video. */
async function colour(page: Page, selector: string, part: readonly [number, number, number, number]): Promise<readonly number[]> {
  return await page.evaluate(
    ([css, [left, top, width, height]]) => {
      const video = document.querySelector<HTMLVideoElement>(css);
      const c = new OffscreenCanvas(1, 1).getContext('2d');
      if (!video || !c) return [];
      const { videoWidth: w, videoHeight: h } = video;
      c.drawImage(video, left * w, top * h, width * w, height * h, 0, 0, 1, 1);
      return Array.from(c.getImageData(0, 0, 1, 1).data.subarray(0, 3));
    },
    [selector, part] as const,
  );
}

/** The highest level that the meter shows in half a second, 0 to 1. */
async function loudest(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    let most = 0;
    for (const end = performance.now() + 500; performance.now() < end; await new Promise(requestAnimationFrame)) {
      most = Math.max(most, Number(document.querySelector<HTMLElement>('.meter')?.style.getPropertyValue('--level')));
    }
    return most;
  });
}

/** Root mean square of what is sent as our voice, over a second, in dB. */
async function sent(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    const { testPeers } = globalThis as unknown as { testPeers: RTCPeerConnection[] };
    const track = testPeers
      .filter((p) => p.connectionState === 'connected')
      .flatMap((p) => p.getSenders())
      .map((s) => s.track)
      .find((t) => t?.kind === 'audio');
    if (!track) return Number.NEGATIVE_INFINITY;
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 32_768 });
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    await context.resume();
    await new Promise((resolve) => {
      setTimeout(resolve, 1200);
    });
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    await context.close();
    return 10 * Math.log10(samples.reduce((sum, v) => sum + v * v, 1e-12) / samples.length);
  });
}

/** Whether a video was there to be measured (-1 is none), and less was found than that. */
function between(least: number, value: number, most: number): boolean {
  return value >= least && value < most;
}

// Where the portrait has books on a shelf, and where its face is.
const shelf = [0.05, 0.22, 0.22, 0.2] as const;
const face = [0.4, 0.35, 0.2, 0.35] as const;

describe('backgrounds', () => {
  test('are blurred or replaced, for oneself and for the others; remembered', async () => {
    const ada = await open('Ada', desktop, 0);
    await ada.page.goto(`${box.url}/background`);
    await ada.page.getByLabel('Your name').fill('Ada');
    const own = '.preview video';
    await until('the camera shows', 30_000, async () => (await detail(ada.page, own, face)) > 0);
    const before = { shelf: await detail(ada.page, own, shelf), face: await detail(ada.page, own, face) };
    expect(before.shelf, 'there is something to blur').toBeGreaterThan(0.5);

    await ada.page.getByRole('button', { name: 'Background' }).click();
    const dialog = ada.page.getByRole('dialog', { name: 'Your background' });
    await dialog.getByText('Blurred').click();
    await dialog.getByText('The background is being prepared.').waitFor({ state: 'detached', timeout: 90_000 });
    // Three times in a row: what the network is sure of, not what it says while it begins.
    let row = 0;
    await until('the shelf is blurred, and the face is not', 90_000, async () => {
      const now = { shelf: await detail(ada.page, '.background-preview video', shelf), face: await detail(ada.page, '.background-preview video', face) };
      row = between(0, now.shelf, before.shelf / 2) && now.face > before.face / 2 ? row + 1 : 0;
      return row >= 3;
    });
    expect(await barriers(ada.page)).toEqual([]);
    await shoot(ada.page, 'media-background-desktop');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await ada.page.getByRole('button', { name: 'Join meeting' }).click();
    await ada.page.getByRole('toolbar').waitFor();

    const ben = await open('Ben');
    await ben.join(`${box.url}/background`);
    const atBen = '.tile:not([data-endpoint="me"]) video';
    await until('Ben sees the blurred shelf', 90_000, async () => between(0, await detail(ben.page, atBen, shelf), before.shelf / 2));

    await menu(ada, 'Background');
    await ada.page.getByText('Forest').click();
    const green = ([r = 0, g = 0, b = 0]: readonly number[]) => g > r + 15 && g > b;
    await until('Ben sees the forest', 60_000, async () => green(await colour(ben.page, atBen, [0.02, 0.6, 0.12, 0.2])));
    await ada.page.getByText('None', { exact: true }).click();
    await until('Ben sees the shelf again', 90_000, async () => (await detail(ben.page, atBen, shelf)) > before.shelf / 2);

    await ada.page.getByLabel('Choose a picture').setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
    await ada.page.getByText('The browser cannot read this file').waitFor();
    await ada.page.getByLabel('Choose a picture').setInputFiles(await redPicture(ada.page));
    await until('Ben sees red', 60_000, async () => {
      const [r = 0, g = 0] = await colour(ben.page, atBen, [0.02, 0.1, 0.12, 0.2]);
      return r > 150 && g < 80;
    });
    await ada.page.reload();
    await until('after a reload it is red from the first frame', 60_000, async () => {
      const [r = 0, g = 0] = await colour(ada.page, own, [0.02, 0.1, 0.12, 0.2]);
      return r > 150 && g < 80;
    });
  });
});

async function redPicture(page: Page): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  const bytes = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(64, 64);
    const c = canvas.getContext('2d');
    if (c) c.fillStyle = '#d01010';
    c?.fillRect(0, 0, 64, 64);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  });
  return { name: 'red.png', mimeType: 'image/png', buffer: Buffer.from(bytes) };
}

describe('the microphone', () => {
  test('from which nothing comes is told before the meeting', async () => {
    const ada = await open('Ada', desktop);
    await hears(ada, 'silence');
    await ada.page.goto(`${box.url}/silent`);
    await ada.page.getByText('Nothing comes from your microphone.').waitFor();
    expect(await barriers(ada.page)).toEqual([]);
    await shoot(ada.page, 'media-silent-desktop', true);
    expect(await loudest(ada.page), 'the meter of a silent microphone').toBeLessThan(0.05);
    // Listened to from the moment it is played.
    await ada.page.evaluate(() => {
      const real = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = async function play(this: HTMLMediaElement) {
        const context = new AudioContext();
        const analyser = new AnalyserNode(context);
        context.createMediaStreamSource(this.srcObject as MediaStream).connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        const timer = setInterval(() => {
          analyser.getFloatTimeDomainData(samples);
          if (!samples.some((v) => Math.abs(v) > 0.01)) return;
          Object.assign(globalThis, { sounded: true });
          clearInterval(timer);
        }, 20);
        await real.call(this);
      };
    });
    await ada.page.getByRole('button', { name: 'Test speaker' }).click();
    await ada.page.waitForFunction(() => 'sounded' in globalThis);
    const ben = await open('Ben', { ...phone, colorScheme: 'dark' });
    await hears(ben, 'speech');
    await ben.page.goto(`${box.url}/silent`);
    await ben.page.getByText('Say something').waitFor();
    await until('the meter moves with the voice', 30_000, async () => (await loudest(ben.page)) > 0.1);
    expect(await fits(ben.page)).toBe(true);
    await shoot(ben.page, 'media-prejoin-phone-dark', true);
  });

  test('that hums is told, and only voices are let through then', { timeout: 400_000 }, async () => {
    const ada = await open('Ada', desktop);
    await hears(ada, 'noise');
    await ada.join(`${box.url}/noisy`);
    const ben = await open('Ben');
    await ben.join(`${box.url}/noisy`);
    await allSee(guests, 90_000);
    await ada.page.getByText('Your microphone picks up a steady noise.').waitFor();
    await shoot(ada.page, 'media-noisy-desktop');
    let before = Number.NEGATIVE_INFINITY; // what listens begins with silence, on a busy machine for longer
    await until('the noise is measured', 60_000, async () => (before = await sent(ada.page)) > -30);
    await ada.page.getByRole('button', { name: 'Let only voices through' }).click();
    await until('the noise falls by 12 dB', 200_000, async () => (await sent(ada.page)) < before - 12);
    await menu(ada, 'Settings');
    const only = ada.page.getByRole('checkbox', { name: 'Let only voices through' });
    await expect.poll(() => only.isChecked()).toBe(true);
    expect(await barriers(ada.page)).toEqual([]);
    await shoot(ada.page, 'media-settings-desktop');
    await only.uncheck();
    await until('it is back', 60_000, async () => (await sent(ada.page)) > before - 6);
  });

  test('that is muted while its owner talks is told', async () => {
    const ada = await open('Ada', { ...phone, colorScheme: 'dark' });
    await hears(ada, 'speech');
    await ada.join(`${box.url}/talking`);
    await ada.page.getByRole('button', { name: 'Microphone' }).click();
    await ada.page.getByText('You are muted. Nobody hears you.').waitFor();
    expect((await ada.state()).participants[0]?.level, 'and heard by nobody').toBe(0);
    await shoot(ada.page, 'media-talking-phone-dark');
    await ada.page.getByRole('button', { name: 'Turn on microphone', exact: true }).click();
    await until('it is on', 30_000, async () => (await ada.state()).participants[0]?.audioMuted === false);
    await ada.page.getByText('You are muted.').waitFor({ state: 'detached' });
    // Push to talk: for as long as the space bar is held.
    const muted = (wanted: boolean) => until(`muted is ${wanted}`, 30_000, async () => (await ada.state()).participants[0]?.audioMuted === wanted);
    await ada.page.keyboard.press('m');
    await muted(true);
    await ada.page.locator('h1').click();
    await ada.page.keyboard.down(' ');
    await muted(false);
    await ada.page.keyboard.up(' ');
    await muted(true);
  });

  test('that is plugged in is offered; what was in use and vanishes is replaced', async () => {
    const ada = await open('Ada');
    await ada.page.addInitScript(() => {
      const { mediaDevices } = navigator;
      const real = mediaDevices.enumerateDevices.bind(mediaDevices);
      const headset = { kind: 'audioinput', deviceId: 'headset', label: 'Test headset', groupId: 'g', toJSON: () => ({}) } as MediaDeviceInfo;
      let there = false;
      mediaDevices.enumerateDevices = async () => [...(await real()), ...(there ? [headset] : [])];
      const get = mediaDevices.getUserMedia.bind(mediaDevices);
      const opened: MediaStreamTrack[] = [];
      mediaDevices.getUserMedia = async (wanted) => {
        const exact = JSON.stringify(wanted?.audio ?? {}).includes('headset');
        const stream = await get(exact ? { audio: true } : wanted);
        if (exact) opened.push(...stream.getTracks());
        return stream;
      };
      Object.assign(globalThis, {
        plug(now: boolean) {
          there = now;
          mediaDevices.dispatchEvent(new Event('devicechange'));
          // What a browser does when the thing is pulled out.
          if (!now) for (const track of opened) track.dispatchEvent(new Event('ended'));
        },
        headsetOpened: () => opened.length,
      });
    });
    await ada.join(`${box.url}/plugged`);
    await until('the microphone is on', 30_000, async () => (await ada.state()).participants[0]?.audioMuted === false);
    const plug = (now: boolean) => ada.page.evaluate((n) => (globalThis as unknown as { plug(n: boolean): void }).plug(n), now);
    await plug(true);
    await ada.page.getByText('Test headset was plugged in.').waitFor();
    await ada.page.getByRole('button', { name: 'Use it' }).click();
    await until('it is used', 30_000, async () => (await ada.page.evaluate(() => (globalThis as unknown as { headsetOpened(): number }).headsetOpened())) === 1);
    await until('the microphone is on again', 30_000, async () => (await ada.state()).participants[0]?.audioMuted === false);
    await plug(false);
    await ada.page.getByText('Your microphone is now the system’s default one.').waitFor();
    await until('and on', 30_000, async () => (await ada.state()).participants[0]?.audioMuted === false);
  });
});

describe('a shared screen', () => {
  test('is heard, also while the microphone is muted; for reading or for watching', async () => {
    const ada = await open('Ada', desktop);
    await ada.page.addInitScript(() => {
      const real = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getDisplayMedia = async (wanted) => {
        const stream = await real({ ...wanted, audio: false });
        if (wanted?.audio) {
          const context = new AudioContext();
          const out = new MediaStreamAudioDestinationNode(context);
          const film = new OscillatorNode(context, { frequency: 440 });
          film.connect(out);
          film.start();
          for (const track of out.stream.getTracks()) stream.addTrack(track);
        }
        Object.assign(globalThis, { shared: stream.getVideoTracks()[0] });
        return stream;
      };
    });
    await ada.join(`${box.url}/film`);
    const ben = await open('Ben');
    await ben.join(`${box.url}/film`);
    await allSee(guests, 90_000);
    await ada.page.getByRole('button', { name: 'Microphone' }).click();
    await ben.tile('Ada').getByText('microphone off').waitFor();
    await ada.page.getByRole('button', { name: 'Share your screen' }).click();
    await ada.page.getByRole('radio', { name: 'Text' }).waitFor();
    const loudest = async () => Math.max(0, ...Object.values(await ben.energy()));
    const quiet = await loudest();
    await until('Ben hears the film', 60_000, async () => (await loudest()) > quiet + 0.05);
    await ben.page.locator('.tile-stage[data-picture="screen"] video').waitFor();
    const hint = () => ada.page.evaluate(() => (globalThis as unknown as { shared: MediaStreamTrack }).shared.contentHint);
    await expect.poll(hint).toBe('detail');
    await ada.page.getByRole('radio', { name: 'Motion' }).check();
    await until('it is motion', 30_000, async () => (await hint()) === 'motion');
    expect(await barriers(ada.page)).toEqual([]);
    // No hall of mirrors: of a whole screen the presenter sees a sentence.
    const mine = ada.page.locator('.tile[data-endpoint="me"][data-picture="screen"]');
    const surface = await ada.page.evaluate(() => (globalThis as unknown as { shared: MediaStreamTrack }).shared.getSettings().displaySurface);
    await expect.poll(() => mine.locator('video').count()).toBe(surface === 'monitor' ? 0 : 1);
    await shoot(ada.page, 'media-sharing-desktop');
    await ada.page.getByRole('button', { name: 'Stop sharing' }).click();
    await ben.page.locator('[data-picture="screen"]').waitFor({ state: 'detached' });
    await ben.tile('Ada').getByText('microphone off').waitFor();
  });
});

describe('quality', () => {
  test('sound only: no cameras come, voices do; back again', async () => {
    const ada = await open('Ada', desktop);
    await ada.join(`${box.url}/quality`);
    const ben = await open('Ben');
    await ben.join(`${box.url}/quality`);
    await allSee(guests, 90_000);
    await menu(ada, 'Picture quality');
    const dialog = ada.page.getByRole('dialog', { name: 'Picture quality' });
    await dialog.getByRole('radio', { name: /^Sound only/ }).check();
    expect(await barriers(ada.page)).toEqual([]);
    await shoot(ada.page, 'media-quality-desktop');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await until('Ben’s picture is gone', 30_000, async () => (await ada.tile('Ben').locator('video').count()) === 0);
    await until('Ada’s camera is off', 30_000, async () => (await ben.tile('Ada').locator('video').count()) === 0);
    let last = -1;
    let since = Date.now();
    await until('no frame comes any more', 30_000, async () => {
      const now = (await ada.frames())['Ben'] ?? 0;
      if (now !== last) [last, since] = [now, Date.now()];
      return Date.now() - since > 2000;
    });
    const energy = Math.max(...Object.values(await ada.energy()));
    await until('Ben is heard', 30_000, async () => Math.max(...Object.values(await ada.energy())) > energy);
    await menu(ada, 'Picture quality');
    await dialog.getByRole('radio', { name: /^High/ }).check();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await ada.tile('Ben').locator('video').waitFor();
    await ada.page.getByRole('button', { name: 'Camera' }).click();
    await until('both move again', 30_000, async () => ((await ada.frames())['Ben'] ?? 0) > last && (await ben.tile('Ada').locator('video').count()) === 1);
  });
});

describe('recording', () => {
  test('is told to everybody, and the file has picture and sound', async () => {
    const ada = await open('Ada', { ...desktop, acceptDownloads: true });
    // The file dialog of the system cannot be used by a test; then it is a download.
    await ada.page.addInitScript(() => {
      delete (globalThis as { showSaveFilePicker?: unknown }).showSaveFilePicker;
    });
    await ada.join(`${box.url}/recorded`);
    const ben = await open('Ben', { ...phone, colorScheme: 'dark' });
    await ben.join(`${box.url}/recorded`);
    await allSee(guests, 90_000);
    await menu(ada, 'Record on this device');
    await ada.page.getByRole('dialog', { name: 'Record the meeting?' }).waitFor();
    expect(await barriers(ada.page)).toEqual([]);
    await shoot(ada.page, 'media-record-desktop');
    await ada.page.getByRole('button', { name: 'Start recording' }).click();
    await ada.page.getByText('You are recording this meeting.').first().waitFor();
    await ben.page.getByText('Ada is recording this meeting.').first().waitFor();
    await shoot(ben.page, 'media-recorded-phone-dark');
    expect(await barriers(ben.page)).toEqual([]);
    const began = Date.now();
    await until('some seconds are recorded', 30_000, async () => Date.now() - began > 4000);
    const download = ada.page.waitForEvent('download');
    await ada.page.getByRole('button', { name: 'Stop recording' }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^recorded \d{4}-\d\d-\d\d \d\d-\d\d\.webm$/);
    await ben.page.getByText('Ada stopped recording.').first().waitFor();
    await until('the notice is gone', 30_000, async () => (await ben.page.locator('.banner-recording').count()) === 0);
    const bytes = await readFile(await file.path());
    const played = await play(ben.page, bytes.toString('base64'));
    expect(played).toMatchObject({ width: 1280, height: 720 });
    expect(played.seconds, 'its length').toBeGreaterThan(3);
    expect(played.colours, 'its picture').toBeGreaterThan(50);
    expect(played.loudest, 'its sound').toBeGreaterThan(0.01);
  });
});

/** Plays a file in a page and looks at what comes. */
async function play(page: Page, base64: string): Promise<{ width: number; height: number; seconds: number; colours: number; loudest: number }> {
  return await page.evaluate(async (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const context = new OfflineAudioContext(1, 1, 48_000);
    const sound = await context.decodeAudioData(bytes.slice().buffer);
    const samples = sound.getChannelData(0);
    let loudest = 0;
    for (const v of samples) loudest = Math.max(loudest, Math.abs(v));
    const video = document.createElement('video');
    video.muted = true;
    video.src = URL.createObjectURL(new Blob([bytes], { type: 'video/webm' }));
    await video.play();
    await new Promise<void>((resolve) => {
      const look = () => (video.currentTime > 2 || video.ended ? resolve() : requestAnimationFrame(look));
      look();
    });
    const c = new OffscreenCanvas(64, 36).getContext('2d');
    c?.drawImage(video, 0, 0, 64, 36);
    const { data } = c?.getImageData(0, 0, 64, 36) ?? { data: [] };
    const colours = new Set<number>();
    for (let i = 0; i < data.length; i += 4) colours.add(((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0));
    return { width: video.videoWidth, height: video.videoHeight, seconds: sound.duration, colours: colours.size, loudest };
  }, base64);
}

test('the whole screen, a small window, and without oneself', async () => {
  const ada = await open('Ada', desktop);
  await ada.join(`${box.url}/windows`);
  const ben = await open('Ben');
  await ben.join(`${box.url}/windows`);
  await allSee(guests, 90_000);
  await menu(ada, 'Full screen');
  await until('it is full screen', 30_000, () => ada.page.evaluate(() => document.fullscreenElement !== null));
  await menu(ada, 'Leave full screen');
  await until('it is a window again', 30_000, () => ada.page.evaluate(() => document.fullscreenElement === null));
  await menu(ada, 'Small window');
  await until('the small window is there', 30_000, () =>
    ada.page.evaluate(() => {
      const { documentPictureInPicture: d } = globalThis as { documentPictureInPicture?: { window: Window | null } };
      return document.pictureInPictureElement !== null || (d?.window?.document.querySelector('video')?.videoWidth ?? 0) > 0;
    }),
  );
  await menu(ada, 'Settings');
  await ada.page.getByRole('checkbox', { name: /^Show my own picture/ }).uncheck();
  await ada.page.getByRole('button', { name: 'Close' }).click();
  await ada.tile('You').waitFor({ state: 'detached' });
  expect(await ben.tile('Ada').count(), 'the others still see her').toBe(1);
});
