// Lines that break, change or are weak: what the page does about it, and what it says.

import { expect, inject, onTestFinished, test } from 'vitest';
import { pause } from './box.ts';
import { cast } from './cast.ts';
import { allSee, Guest, launch, longestFreeze, until } from './guest.ts';
import { barriers, shoot } from './look.ts';

const box = inject('box');
const { guests, open } = cast(box.url);

async function meet(room: string, ...names: string[]): Promise<Guest[]> {
  for (const name of names) {
    const guest = await open(name, { viewport: { width: 1280, height: 800 } });
    await guest.join(`${box.url}/${room}`);
  }
  await allSee(guests, 90_000);
  return guests;
}

test('another network: ICE begins again in the same session, and no picture stops', async () => {
  const [ada] = (await meet('network-change', 'Ada', 'Ben')) as [Guest, Guest];
  const ways = () =>
    ada.page.evaluate(() => {
      const { testPeers } = globalThis as unknown as { testPeers: RTCPeerConnection[] };
      return testPeers.map((p) => /^a=ice-ufrag:(.*)$/m.exec(p.remoteDescription?.sdp ?? '')?.[1] ?? '');
    });
  const before = await ways();
  const watching = longestFreeze(guests, 8000);
  await ada.page.evaluate(() => dispatchEvent(new Event('online')));
  await until('the bridge offers another way', 30_000, async () => (await ways())[0] !== before[0]);
  expect((await watching).ms).toBeLessThan(2500);
  expect((await ways()).length, 'still one connection').toBe(1);
  await until('it is taken', 30_000, async () => await ada.page.evaluate(() => (globalThis as unknown as { testPeers: RTCPeerConnection[] }).testPeers[0]?.iceConnectionState === 'connected'));
  await allSee(guests, 90_000);
});

test('a picture that stands still is kept, and says why: the bridge is away, or its person', async () => {
  const [ada] = (await meet('stand-still', 'Ada')) as [Guest];
  // Ben has a browser of his own, which can be stopped with all its processes.
  const other = await launch();
  onTestFinished(() => other.close());
  const ben = await Guest.open(other, box.url, 'Ben');
  onTestFinished(() => ben.close());
  await ben.join(`${box.url}/stand-still`);
  await allSee([ada, ben], 90_000);
  const tile = ada.tile('Ben');
  const moves = async () => {
    const before = (await ada.frames())['Ben'] ?? 0;
    await until('Ben moves again', 30_000, async () => ((await ada.frames())['Ben'] ?? 0) > before + 5);
  };

  const goOn = await pause(box, 'bridge');
  try {
    await tile.getByText('Last picture').waitFor();
    expect(await tile.locator('video').count(), 'it is kept').toBe(1);
    await shoot(ada.page, 'still-bridge-desktop-light');
    expect(await barriers(ada.page)).toEqual([]);
  } finally {
    goOn();
  }
  await tile.getByText('Last picture').waitFor({ state: 'detached' });
  await moves();

  const { processInfo } = await (await other.newBrowserCDPSession()).send('SystemInfo.getProcessInfo');
  const signal = (name: NodeJS.Signals) => processInfo.forEach((p) => process.kill(p.id, name));
  signal('SIGSTOP');
  try {
    await tile.getByText('Connection interrupted').waitFor();
    await ada.page.setViewportSize({ width: 390, height: 844 });
    await ada.page.emulateMedia({ colorScheme: 'dark' });
    await shoot(ada.page, 'still-person-phone-dark');
    expect(await barriers(ada.page)).toEqual([]);
  } finally {
    signal('SIGCONT');
  }
  await tile.getByText('Connection interrupted').waitFor({ state: 'detached' });
  await moves();
  expect(ben.faults).toEqual([]);
});

test('the box has too much to do: the page says that pictures are smaller, and until when', async () => {
  const ada = await open('Ada', { viewport: { width: 1280, height: 800 } });
  // The bridge thins video by its own load, which no test can promise; its message is what the page sees of it.
  await ada.page.addInitScript(() => {
    const real = RTCPeerConnection.prototype.createDataChannel;
    RTCPeerConnection.prototype.createDataChannel = function create(label, options) {
      const channel = real.call(this, label, options);
      Object.assign(globalThis, { bridgeChannel: channel });
      return channel;
    };
  });
  await ada.join(`${box.url}/busy-box`);
  const ben = await open('Ben');
  await ben.join(`${box.url}/busy-box`);
  await until('the bridge carries Ada', 60_000, async () => (await ada.state()).media === 'connected');
  const thin = (step: number) =>
    ada.page.evaluate((n) => {
      const { bridgeChannel } = globalThis as unknown as { bridgeChannel: RTCDataChannel };
      bridgeChannel.dispatchEvent(new MessageEvent('message', { data: JSON.stringify({ colibriClass: 'VideoThinnedEvent', step: n, reason: 'cpu' }) }));
    }, step);
  const said = ada.page.locator('.media-line').getByText('The box has a lot to do and sends smaller pictures for now.');
  await thin(2);
  await said.waitFor();
  await shoot(ada.page, 'thinned-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  await ada.page.keyboard.press('a');
  await ada.page.getByRole('dialog').getByText('The box has a lot to do').waitFor();
  await ada.page.keyboard.press('Escape');
  await thin(0);
  await said.waitFor({ state: 'detached' });
  await thin(1);
  await said.waitFor();
  await ada.page.locator('.media-line').getByRole('button', { name: 'Dismiss' }).click();
  await said.waitFor({ state: 'detached' });
});

test('a socket that breaks is made again at once, without words', async () => {
  const [ada, ben] = (await meet('cut-socket', 'Ada', 'Ben')) as [Guest, Guest];
  for (let i = 0; i < 3; i++) {
    const count = () => ada.page.evaluate(() => (globalThis as unknown as { testSockets: WebSocket[] }).testSockets.length);
    const before = await count();
    await ada.page.evaluate(() => {
      for (const socket of (globalThis as unknown as { testSockets: WebSocket[] }).testSockets) socket.close();
    });
    await until('Ada is back', 10_000, async () => (await count()) > before && (await ada.state()).phase === 'joined');
  }
  await ada.chat('nothing lost');
  await until('Ben reads it', 30_000, () => ben.hasChat('nothing lost'));
  expect(await ada.reloaded()).toBe(false);
});

test('a device without a network is told so, and is back as soon as it has one', async () => {
  const [ada, ben] = (await meet('no-network', 'Ada', 'Ben')) as [Guest, Guest];
  const network = ben.page.context();
  const cut = () =>
    ben.page.evaluate(() => {
      for (const socket of (globalThis as unknown as { testSockets: WebSocket[] }).testSockets) socket.close();
    });
  await network.setOffline(true);
  await cut();
  const alert = ben.page.getByRole('alert');
  await alert.getByText('Your network was interrupted. You are back as soon as it is.').waitFor();
  expect(/\d/.test((await alert.textContent()) ?? ''), 'nobody counts seconds').toBe(false);
  await shoot(ben.page, 'no-network-desktop-light');
  expect(await barriers(ben.page)).toEqual([]);
  // What is written meanwhile arrives later.
  await ben.chat('written without a network');
  await network.setOffline(false);
  await alert.waitFor({ state: 'detached' });
  await until('Ada reads it', 30_000, () => ada.hasChat('written without a network'));
  expect(await ben.reloaded()).toBe(false);
});

test('a weak line is said in words, with figures for who wants them; to the others, too', async () => {
  const [ada, ben] = (await meet('weak-line', 'Ada', 'Ben')) as [Guest, Guest];
  const connection = (guest: Guest) => guest.page.getByRole('button', { name: /^Connection:/ });
  await until('all is well', 60_000, async () => (await connection(ada).getAttribute('aria-label')) === 'Connection: The connection is good.');
  // The statistics of a bad line, put in front of the real ones.
  await ben.page.evaluate(() => {
    const real = RTCPeerConnection.prototype.getStats;
    RTCPeerConnection.prototype.getStats = async function (this: RTCPeerConnection) {
      const report = await real.call(this);
      const bad = new Map([...report.entries(), ['bad', { type: 'remote-inbound-rtp', id: 'bad', fractionLost: 0.25 }]]);
      return bad as unknown as RTCStatsReport;
    };
  });
  await ben.page.getByText('Your Wi-Fi or line is weak.').first().waitFor();
  await ada.page.getByText('Ben’s line is weak.').first().waitFor();
  await ada.tile('Ben').getByText('weak line').waitFor();
  await shoot(ben.page, 'connection-weak-desktop-light');
  expect(await barriers(ben.page)).toEqual([]);
  await ben.page.keyboard.press('a');
  const card = ben.page.getByRole('dialog', { name: 'Connection' });
  await card.getByText('Go closer to the Wi-Fi access point').waitFor();
  await card.getByText(/127\.0\.0\.1:\d+/).waitFor();
  await card.getByText('VP8').waitFor();
  expect(await barriers(ben.page)).toEqual([]);
  await shoot(ben.page, 'connection-card-desktop-light');
  await ben.page.setViewportSize({ width: 390, height: 844 });
  await ben.page.emulateMedia({ colorScheme: 'dark' });
  await shoot(ben.page, 'connection-card-phone-dark');
  expect(await barriers(ben.page)).toEqual([]);
});
