// One person in a browser of their own, and what a test may ask about them.

import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { portrait } from '../test/portrait.ts';
import { watched } from './network.ts';
import type { State } from '../src/meeting/model/diagnostics.ts';

/** more: switches of Chromium beside the usual ones. */
export async function launch(more: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: process.env['MEETBOX_CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--headless=new',
      '--no-sandbox',
      '--use-fake-device-for-media-stream=fps=15',
      '--use-fake-ui-for-media-stream',
      '--allow-loopback-in-peer-connection',
      '--autoplay-policy=no-user-gesture-required',
      // Several people live in one browser; only one of their tabs can be in front.
      '--disable-background-timer-throttling',
      '--disable-backgrounding-occluded-windows',
      '--disable-renderer-backgrounding',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-quic',
      '--no-first-run',
      ...more,
    ],
  });
  return watched(browser);
}

interface TestWindow {
  readonly meetbox?: { state(): State };
  readonly testPeers: RTCPeerConnection[];
  testMark?: string;
}

/**
 * Runs in the page before its scripts: remembers connections, makes the fake camera small, or puts a
 * drawn person in front of it.
 */
function instrument(sitter: number | null): void {
  const w = globalThis as unknown as { testPeers: RTCPeerConnection[]; RTCPeerConnection: typeof RTCPeerConnection; portrait: typeof portrait };
  w.testPeers = [];
  const Real = w.RTCPeerConnection;
  w.RTCPeerConnection = class extends Real {
    constructor(options?: RTCConfiguration) {
      super(options);
      w.testPeers.push(this);
    }
  };
  const RealSocket = WebSocket;
  const sockets: WebSocket[] = [];
  Object.assign(globalThis, {
    testSockets: sockets,
    WebSocket: class extends RealSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    },
  });
  if (!navigator.mediaDevices) return;
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (!wanted?.video) return await real(wanted);
    if (sitter !== null) {
      const drawn = w.portrait(sitter, 640, 360);
      if (wanted.audio) for (const track of (await real({ audio: wanted.audio })).getTracks()) drawn.addTrack(track);
      return drawn;
    }
    const device = typeof wanted.video === 'object' && wanted.video.deviceId !== undefined ? { deviceId: wanted.video.deviceId } : {};
    return await real({ ...wanted, video: { ...device, width: 320, height: 180, frameRate: 15 } });
  };
}

export class Guest {
  readonly page: Page;
  readonly name: string;
  /** Whatever must never happen: requests elsewhere, errors nobody caught. */
  readonly faults: string[] = [];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page, name: string) {
    this.#context = context;
    this.page = page;
    this.name = name;
  }

  /** sitter: which drawn person sits before the camera; without one it shows Chromium's test picture. */
  static async open(browser: Browser, url: string, name: string, options: BrowserContextOptions = {}, sitter: number | null = null): Promise<Guest> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 800, height: 600 }, ...options });
    await context.addInitScript(`globalThis.portrait = ${portrait.toString()}; (${instrument.toString()})(${JSON.stringify(sitter)});`);
    const page = await context.newPage();
    // Other things may be running on the machine, too.
    page.setDefaultTimeout(90_000);
    const guest = new Guest(context, page, name);
    guest.#watch(new URL(url).host);
    return guest;
  }

  #watch(host: string): void {
    const foreign = (url: string) => !/^(?:blob|data|about):/.test(url) && new URL(url).host !== host;
    this.#context.on('request', (request) => {
      if (foreign(request.url())) this.faults.push(`request to ${request.url()}`);
    });
    this.page.on('websocket', (socket) => {
      if (foreign(socket.url())) this.faults.push(`socket to ${socket.url()}`);
    });
    this.page.on('pageerror', (error) => this.faults.push(`error ${error.stack ?? error.message}`));
  }

  /** Goes through the pre-join page into the room. */
  async join(room: string): Promise<void> {
    await this.page.goto(room);
    await this.page.getByLabel('Your name').fill(this.name);
    await this.page.getByRole('button', { name: 'Join meeting' }).click();
    await this.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
    await this.page.evaluate(() => {
      (globalThis as unknown as TestWindow).testMark = 'not reloaded';
    });
  }

  async state(): Promise<State> {
    return await this.page.evaluate(() => {
      const { meetbox } = globalThis as unknown as TestWindow;
      if (!meetbox) throw new Error('no meeting on this page');
      return meetbox.state();
    });
  }

  async reloaded(): Promise<boolean> {
    return await this.page.evaluate(() => (globalThis as unknown as TestWindow).testMark !== 'not reloaded');
  }

  /** Frames decoded so far of each other participant's camera, by name. */
  async frames(): Promise<Record<string, number>> {
    return await this.page.evaluate(async () => {
      const w = globalThis as unknown as TestWindow;
      const byTrack = new Map<string, number>();
      for (const peer of w.testPeers) {
        if (peer.connectionState === 'closed') continue;
        for (const entry of (await peer.getStats()).values()) {
          if (entry.type === 'inbound-rtp' && entry.kind === 'video') byTrack.set(entry.trackIdentifier, entry.framesDecoded ?? 0);
        }
      }
      const others = w.meetbox?.state().participants.filter((p) => !p.local) ?? [];
      return Object.fromEntries(others.map((p) => [p.name, byTrack.get(p.camera) ?? 0]));
    });
  }

  /** Height of somebody's camera picture as it arrives, 0 before it does. */
  async height(name: string): Promise<number> {
    return await this.page.evaluate(async (who) => {
      const w = globalThis as unknown as TestWindow;
      const track = w.meetbox?.state().participants.find((p) => p.name === who)?.camera;
      for (const peer of w.testPeers) {
        if (peer.connectionState === 'closed') continue;
        for (const entry of (await peer.getStats()).values()) {
          if (entry.type === 'inbound-rtp' && entry.trackIdentifier === track) return entry.frameHeight ?? 0;
        }
      }
      return 0;
    }, name);
  }

  /** The energy of everything heard so far, one number per incoming stream. */
  async energy(): Promise<Record<string, number>> {
    return await this.page.evaluate(async () => {
      const heard: Record<string, number> = {};
      for (const peer of (globalThis as unknown as TestWindow).testPeers) {
        if (peer.connectionState === 'closed') continue;
        for (const entry of (await peer.getStats()).values()) {
          if (entry.type === 'inbound-rtp' && entry.kind === 'audio') heard[String(entry.ssrc)] = entry.totalAudioEnergy ?? 0;
        }
      }
      return heard;
    });
  }

  async chat(text: string): Promise<void> {
    const box = this.page.getByRole('textbox', { name: 'Message' });
    if (!(await box.isVisible())) await this.page.getByRole('button', { name: /^Chat/ }).click();
    await box.fill(text);
    await box.press('Enter');
  }

  async hasChat(text: string): Promise<boolean> {
    return (await this.state()).chat.some((line) => line.text === text);
  }

  /** The tile of somebody's camera. */
  tile(name: string) {
    return this.page.locator('.tile[data-picture="camera"]').filter({ hasText: name });
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}

/** Asks until the answer is yes. Says what it waited for when it never is. */
export async function until(what: string, within: number, check: () => Promise<boolean>): Promise<number> {
  const begin = Date.now();
  for (;;) {
    if (await check()) return Date.now() - begin;
    if (Date.now() - begin > within) throw new Error(`${what}: not within ${within / 1000} s`);
    await pause(100);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Everybody sees the frames of everybody else. */
export async function allSee(guests: readonly Guest[], within: number): Promise<void> {
  await Promise.all(
    guests.map((guest) =>
      until(`${guest.name} sees the others`, within, async () => {
        const frames = await guest.frames();
        return guests.every((other) => other === guest || (frames[other.name] ?? 0) > 0);
      }).catch(async (error: unknown) => {
        throw new Error(`${String(error)}: frames ${JSON.stringify(await guest.frames())}, ${JSON.stringify(await guest.state())}`, { cause: error });
      }),
    ),
  );
}

/**
 * Watches every guest's pictures for a while. Returns the longest time in which some picture of
 * somebody did not move, with its name.
 */
export async function longestFreeze(guests: readonly Guest[], duration: number): Promise<{ readonly ms: number; readonly where: string }> {
  const moved = new Map<string, { frames: number; at: number }>();
  let worst = { ms: 0, where: '' };
  const end = Date.now() + duration;
  while (Date.now() < end) {
    await Promise.all(
      guests.map(async (guest) => {
        const asked = Date.now();
        const frames = await guest.frames();
        for (const other of guests) {
          if (other === guest) continue;
          const key = `${guest.name} watching ${other.name}`;
          const count = frames[other.name] ?? 0;
          const before = moved.get(key);
          // A picture that starts from zero again after a restart has moved, too.
          if (!before || (count !== before.frames && count > 0)) moved.set(key, { frames: count, at: Date.now() });
          // How long a busy machine takes to answer is no part of it.
          else if (asked - before.at > worst.ms) worst = { ms: asked - before.at, where: key };
        }
      }),
    );
    await pause(200);
  }
  return worst;
}
