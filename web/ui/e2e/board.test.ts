// The whiteboard: what one draws the others see, who comes later too, and a relay that is killed loses nothing.

import { readFile } from 'node:fs/promises';
import { io, type Socket } from 'socket.io-client';
import { afterEach, expect, inject, test } from 'vitest';
import { kill } from './box.ts';
import { cast } from './cast.ts';
import { type Guest, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const, locale: 'de' };

const board = (guest: Guest) => guest.page.locator('section.board');

async function menu(guest: Guest, item: string | RegExp): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).first().click();
  await guest.page.getByRole('menuitem', { name: item }).click();
}

/** Pixels on the board that are not its ground. */
async function ink(guest: Guest): Promise<number> {
  return await guest.page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.board canvas.static');
    const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
    if (!data) return 0;
    const pixels = new Uint32Array(data.buffer);
    const ground = pixels.at(-1); // nobody draws in that corner
    return pixels.reduce((n, p) => n + Number(p !== ground), 0);
  });
}

/** What the page has sent so far that looks like this. */
function overheard(guest: Guest, pattern: RegExp): () => RegExpExecArray | null {
  let found: RegExpExecArray | null = null;
  guest.page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      found ??= pattern.exec(String(payload).replaceAll('&quot;', '"'));
    }),
  );
  return () => found;
}

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** A page of Jitsi Meet at the same board, by what its Excalidraw does: it is sent all there is, and draws a square. */
async function jitsi(roomId: string, k: string): Promise<{ readonly sent: Promise<unknown>; square(): Promise<void> }> {
  const key = await crypto.subtle.importKey('jwk', { alg: 'A128GCM', ext: true, k, key_ops: ['encrypt', 'decrypt'], kty: 'oct' }, { name: 'AES-GCM', length: 128 }, false, ['encrypt', 'decrypt']);
  const socket = io(`${box.url}/?room=0123456789abcdef`, { transports: ['websocket', 'polling'], query: { roomId }, rejectUnauthorized: false, forceNew: true });
  sockets.push(socket);
  const sent = new Promise((resolve, reject) => {
    socket.on('connect_error', reject);
    socket.on('init-room', () => socket.emit('join-room', roomId));
    socket.on('client-broadcast', (data: ArrayBuffer, iv: Uint8Array<ArrayBuffer>) => {
      crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, data).then((text) => {
        const message = JSON.parse(new TextDecoder().decode(text)) as { readonly type: string };
        if (message.type === 'SCENE_INIT') resolve(message);
      }, reject);
    });
  });
  const at = { id: 'square', type: 'rectangle', x: 0, y: 0, width: 200, height: 200, angle: 0, strokeColor: '#1971c2', backgroundColor: '#1971c2', fillStyle: 'solid' };
  const look = { strokeWidth: 2, strokeStyle: 'solid', roughness: 0, opacity: 100, groupIds: [], frameId: null, index: 'a5', roundness: null, seed: 7, locked: false };
  const element = { ...at, ...look, version: 3, versionNonce: 11, isDeleted: false, boundElements: null, updated: 1, link: null };
  return {
    sent,
    async square() {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const text = JSON.stringify({ type: 'SCENE_UPDATE', payload: { elements: [element] } });
      socket.emit('server-broadcast', roomId, await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(text)), iv);
    },
  };
}

/** Takes the board home in a file. */
async function download(guest: Guest, item: RegExp, button: string): Promise<string> {
  const { page } = guest;
  await page.locator('.board [data-testid="main-menu-trigger"]').click();
  await page.locator('.board .dropdown-menu').getByRole('button', { name: item }).click();
  const dialog = page.locator('.excalidraw .Modal');
  await dialog.getByRole('button', { name: button }).waitFor();
  await shoot(page, 'board-export-desktop-light');
  const [file] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: button }).click()]);
  const text = await readFile(await file.path(), 'latin1');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  return text;
}

/** A line with the pencil, from and to in parts of the board. */
async function draw(guest: Guest, from: readonly [number, number], to: readonly [number, number]): Promise<void> {
  const { page } = guest;
  await page.locator('.board [data-testid="toolbar-freedraw"]').locator('..').click();
  const area = await page.locator('.board canvas.interactive').boundingBox();
  if (!area) throw new Error('no board');
  const at = ([x, y]: readonly [number, number]) => [area.x + area.width * x, area.y + area.height * y] as const;
  await page.mouse.move(...at(from));
  await page.mouse.down();
  for (let i = 1; i <= 10; i++) {
    await page.mouse.move(...at([from[0] + ((to[0] - from[0]) * i) / 10, from[1] + ((to[1] - from[1]) * i) / 10 + (i % 2) * 0.02]));
  }
  await page.mouse.up();
}

test('what one draws the others see, who comes later too, and it outlives the relay', { timeout: 300_000 }, async () => {
  const ada = await open('Ada', desktop);
  // Where a browser asks for a place in its own window, files come as from everywhere.
  await ada.page.addInitScript(() => {
    delete (globalThis as { showSaveFilePicker?: unknown }).showSaveFilePicker;
    delete (globalThis as { showOpenFilePicker?: unknown }).showOpenFilePicker;
  });
  const details = overheard(ada, /"roomId":"([^"]+)","roomKey":"([^"]+)"/);
  await ada.join(`${box.url}/drawing`);
  const ben = await open('Ben', phone);
  await ben.page.goto(`${box.url}/drawing`);
  await ben.page.getByRole('textbox').first().fill('Ben');
  await ben.page.locator('form button[type="submit"]').click();
  await until('both are there', 30_000, async () => (await ada.state()).participants.length === 2);

  await menu(ada, 'Open whiteboard for all');
  await board(ada).locator('canvas.interactive').waitFor();
  await board(ben).locator('canvas.interactive').waitFor();
  expect(await ink(ben)).toBe(0);
  await draw(ada, [0.3, 0.4], [0.7, 0.6]);
  await until('Ada sees it', 30_000, async () => (await ink(ada)) > 100);
  await until('Ben sees it', 30_000, async () => (await ink(ben)) > 100);
  await shoot(ada.page, 'board-desktop-light');
  await shoot(ben.page, 'board-phone-dark');
  expect(await fits(ben.page)).toBe(true);

  const cleo = await open('Cleo', { ...desktop, colorScheme: 'dark' });
  await cleo.join(`${box.url}/drawing`);
  await until('Cleo sees what was before', 30_000, async () => (await ink(cleo)) > 100);
  const before = await ink(ada);
  await draw(cleo, [0.4, 0.7], [0.6, 0.3]);
  await until('Ada sees more', 30_000, async () => (await ink(ada)) > before * 1.2);
  await shoot(cleo.page, 'board-desktop-dark');

  const [, id = '', key = ''] = details() ?? [];
  const other = await jitsi(id, key);
  expect(JSON.stringify(await other.sent)).toContain('freedraw');
  const lines = await ink(ada);
  await other.square();
  await until('Ada sees the square of Jitsi Meet', 30_000, async () => (await ink(ada)) > lines + 20_000);

  expect(await download(ada, /^Export image/, 'Export to PNG')).toMatch(/^.PNG/);
  expect(await download(ada, /^Export image/, 'Export to SVG')).toContain('</svg>');

  const atCleo = await ink(cleo);
  await kill(box, 'signaling');
  await board(ada).getByText('Not connected.').waitFor();
  await draw(ada, [0.2, 0.8], [0.8, 0.85]);
  await until('Cleo sees it when the relay is back', 30_000, async () => (await ink(cleo)) > atCleo + 1000);
  await shoot(ben.page, 'board-later-phone-dark');
  for (const guest of [ada, ben, cleo]) expect(await barriers(guest.page)).toEqual([]);
  for (const dialog of [/^Help/, /^Export image/]) {
    await cleo.page.locator('.main-menu-trigger').click();
    expect(await barriers(cleo.page), 'menu').toEqual([]);
    await cleo.page.locator('.dropdown-menu').getByText(dialog).click();
    await cleo.page.getByRole('dialog', { name: dialog }).waitFor();
    expect(await barriers(cleo.page), String(dialog)).toEqual([]);
    await cleo.page.keyboard.press('Escape');
  }
});
