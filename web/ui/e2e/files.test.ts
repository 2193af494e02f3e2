// Files of a meeting, on a box whose owner allows them: sent with progress, listed for who comes later,
// fetched whole, stopped, deleted, and refused in words.

import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BrowserContextOptions } from 'playwright-core';
import { expect, test } from 'vitest';
import { cast, owner, ownBox } from './cast.ts';
import { ownerPassword } from './box.ts';
import { look, signIn } from './console.ts';
import { type Guest, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = ownBox('log-files', 'files.max_mb=100', 'files.total_mb=100', 'history=10');
const { open } = cast(() => box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' as const };
// Three browsers on a machine that does other things as well.
const patience = { timeout: 300_000 };

async function come(name: string, room: string, options: BrowserContextOptions): Promise<Guest> {
  const guest = await open(name, options);
  await guest.join(`${box.url}/${room}`);
  return guest;
}

async function menu(guest: Guest, item: string | RegExp): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).click();
  await guest.page.getByRole('menuitem', { name: item }).click();
}

async function meet(room: string): Promise<readonly [Guest, Guest]> {
  const [ada, ben] = [await come('Ada', room, desktop), await come('Ben', room, phone)];
  await until('both are there', 30_000, async () => (await ada.state()).participants.length === 2);
  return [ada, ben];
}

test('files are sent with progress, seen by who comes later, fetched whole, deleted', patience, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'mb-files-'));
  try {
    const [ada, ben] = await meet('files');
    await menu(ada, 'Files');
    await ada.page.getByText(/^Up to .* each/).waitFor();
    await shoot(ada.page, 'files-empty-desktop-light');
    const big = path.join(folder, 'Überblick 2026 (final).bin');
    await fill(big, 24);
    const picture = await ada.page.screenshot();
    const chooser = ada.page.waitForEvent('filechooser');
    await ada.page.getByRole('button', { name: 'Share files' }).click();
    await (await chooser).setFiles([big]);
    const atAda = ada.page.locator('.file').filter({ hasText: 'Überblick 2026 (final).bin' });
    await atAda.getByRole('link', { name: /^Download/ }).waitFor();

    // Dropped anywhere on the page.
    await ada.page.evaluate(async (bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], 'floor.png', { type: 'image/png' }));
      for (const name of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
    }, [...picture]);
    await ben.page.getByText('Ada shared floor.png').first().waitFor();
    await menu(ben, /^Files/);
    const thumb = ben.page.locator('.file').filter({ hasText: 'floor.png' }).locator('img');
    await until('the preview is shown', 30_000, () => thumb.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth > 0));

    await ada.chat('The overview is in the files');
    await until('Ben reads it', 30_000, () => ben.hasChat('The overview is in the files'));
    await menu(ada, /^Files/);
    const cleo = await come('Cleo', 'files', { ...desktop, acceptDownloads: true });
    await until('Cleo reads what was written before she came', 30_000, () => cleo.hasChat('The overview is in the files'));
    await menu(cleo, 'Files');
    const download = cleo.page.waitForEvent('download');
    await cleo.page.getByRole('link', { name: 'Download Überblick 2026 (final).bin' }).click();
    const got = await download;
    expect(got.suggestedFilename()).toBe('Überblick 2026 (final).bin');
    expect((await readFile(await got.path())).equals(await readFile(big)), 'the same bytes').toBe(true);
    expect(await cleo.page.getByRole('button', { name: /^Delete/ }).count(), 'only authors and moderators delete').toBe(0);

    await shoot(ada.page, 'files-desktop-light');
    await shoot(ben.page, 'files-phone-dark');
    expect(await fits(ben.page)).toBe(true);
    for (const guest of [ada, ben]) expect(await barriers(guest.page)).toEqual([]);

    await ada.page.getByRole('button', { name: 'Delete floor.png' }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    for (const guest of [ada, ben, cleo]) await guest.page.locator('.file').filter({ hasText: 'floor.png' }).waitFor({ state: 'detached' });
    const at = (await cleo.page.getByRole('link', { name: 'Download Überblick 2026 (final).bin' }).getAttribute('href')) ?? '';
    await inConsole();
    await until('the bytes are gone', 30_000, async () => (await cleo.page.request.get(at)).status() === 404);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('one that is stopped is not shared; what the box does not take is said in words', patience, async () => {
  const [ada, ben] = await meet('files-stopped');
  await menu(ada, 'Files');
  await ada.page.getByText(/^Up to .* each/).waitFor();
  // Held on its way, so that it is still being sent when it is stopped.
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await ada.page.route('**/upload/**', async (route) => {
    await held;
    await route.abort().catch(() => undefined);
  });
  const share = async (name: string, size: number, dropped = false) => {
    if (dropped) {
      await ada.page.evaluate(
        ([n, s]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(s)], n));
          document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
        },
        [name, size] as const,
      );
      return;
    }
    const chooser = ada.page.waitForEvent('filechooser');
    await ada.page.getByRole('button', { name: 'Share files' }).click();
    await (await chooser).setFiles([{ name, mimeType: 'application/octet-stream', buffer: Buffer.alloc(size) }]);
  };
  await share('slow.bin', 2_000_000);
  await ada.page.getByRole('progressbar', { name: 'Sending slow.bin' }).waitFor();
  await shoot(ada.page, 'files-sending-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  await ada.page.getByRole('button', { name: 'Stop sending slow.bin' }).click();
  await ada.page.locator('.file').filter({ hasText: 'slow.bin' }).waitFor({ state: 'detached' });
  await share('lost.bin', 1_000);
  release();
  await ada.page.getByText('This file did not arrive whole.').waitFor();
  await ada.page.unroute('**/upload/**');
  await ada.page.getByRole('button', { name: 'Try again' }).click();
  await ada.page.getByRole('link', { name: 'Download lost.bin' }).waitFor();
  await share('nothing.txt', 0);
  await ada.page.getByText('This file is empty.').waitFor();
  await menu(ben, /^Files/);
  await ben.page.getByRole('link', { name: 'Download lost.bin' }).waitFor();
  expect(await ben.page.locator('.file').count(), 'only the one that arrived').toBe(1);
  await share('long.bin', 120_000_000, true);
  await ada.page.getByText(/^This file is too large. Up to/).waitFor();
});

/** What the box's owner sees of them: how much there is and until when, and the way to end it. */
async function inConsole(): Promise<void> {
  const { page } = await open('Console', desktop, null, box.box.consoleUrl);
  await page.goto(`${box.box.consoleUrl}/#/files`);
  await signIn(page, owner, ownerPassword);
  const row = page.getByRole('row', { name: /Überblick 2026 \(final\)\.bin/ });
  await row.getByText('24 MB').waitFor();
  await row.getByRole('cell', { name: new Date(Date.now() + 86_400_000).toLocaleDateString('en', { dateStyle: 'medium' }) }).waitFor();
  expect(await page.getByRole('row', { name: /floor\.png/ }).count(), 'it was deleted in the meeting').toBe(0);
  await page.getByRole('progressbar', { name: /^24 MB of 10\d MB used/ }).waitFor();
  await look(page, 'console-files-some-desktop-light');
  await row.getByRole('button', { name: /Überblick/ }).click();
  const sure = page.getByRole('dialog');
  await sure.getByText('3 people are in meetings now').waitFor();
  await look(page, 'console-files-delete-desktop-light');
  await sure.getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
}

/** A file of so many megabytes. */
async function fill(file: string, megabytes: number): Promise<void> {
  const out = createWriteStream(file);
  for (let i = 0; i < megabytes; i++) {
    await new Promise<void>((resolve, reject) => {
      out.write(randomBytes(1_000_000), (error) => (error ? reject(error) : resolve()));
    });
  }
  await new Promise<void>((resolve) => {
    out.end(resolve);
  });
}
