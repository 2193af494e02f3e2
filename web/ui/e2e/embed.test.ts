// Meetings within the pages of others: who may, and that external_api.js does and tells what it should.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request, type Browser, type BrowserContext, type Frame, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { policyReports, setupCode, startBox, type Running } from './box.ts';
import { Guest, launch, until } from './guest.ts';
import { allow, takeFaults } from './network.ts';

let started: Running;
let browser: Browser;
let intranet: Server;
let outer: string;

beforeAll(async () => {
  started = await startBox('log-embed');
  browser = await launch();
  const { host } = new URL(started.box.url);
  intranet = createServer((_request, answer) => {
    answer.setHeader('Content-Type', 'text/html; charset=utf-8');
    answer.end(`<!doctype html><title>Intranet</title><link rel="icon" href="data:,"><script src="https://${host}/external_api.js"></script><div id="here"></div>`);
  });
  await new Promise<void>((resolve) => {
    intranet.listen(0, '127.0.0.1', resolve);
  });
  outer = `http://localhost:${(intranet.address() as AddressInfo).port}`;
  allow(started.box.url, started.box.consoleUrl, outer);
});
afterAll(async () => {
  await browser?.close();
  intranet?.close();
  await started?.stop(1); // the frame that was refused
});

interface OuterWindow {
  readonly JitsiMeetExternalAPI: new (domain: string, options: object) => {
    on(name: string, listener: (data: object) => void): void;
    executeCommand(name: string, ...args: unknown[]): void;
    getParticipantsInfo(): readonly { readonly participantId: string; readonly displayName: string }[];
    isAudioMuted(): Promise<boolean>;
    dispose(): void;
  };
  api: InstanceType<OuterWindow['JitsiMeetExternalAPI']>;
  said: { name: string; data: Record<string, unknown> }[];
}

const events = ['videoConferenceJoined', 'videoConferenceLeft', 'readyToClose', 'participantJoined', 'participantLeft', 'participantMuted', 'displayNameChange', 'audioMuteStatusChanged', 'videoMuteStatusChanged', 'tileViewChanged', 'incomingMessage', 'outgoingMessage', 'chatUpdated', 'raiseHandUpdated', 'participantRoleChanged', 'screenSharingStatusChanged', 'knockingParticipant', 'passwordRequired', 'dominantSpeakerChanged', 'subjectChange'];

async function embed(context: BrowserContext, room: string, options = {}): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  await page.goto(outer);
  await page.evaluate(
    ({ domain, names, given }) => {
      const w = globalThis as unknown as OuterWindow;
      w.said = [];
      w.api = new w.JitsiMeetExternalAPI(domain, { parentNode: document.querySelector('#here'), width: 760, height: 560, ...given });
      for (const name of names) w.api.on(name, (data) => w.said.push({ name, data: data as Record<string, unknown> }));
    },
    { domain: new URL(started.box.url).host, names: events, given: { roomName: room, ...options } },
  );
  return page;
}

const said = (page: Page, name: string) => page.evaluate((n) => (globalThis as unknown as OuterWindow).said.filter((s) => s.name === n).map((s) => s.data), name);
const command = (page: Page, ...args: readonly unknown[]) => page.evaluate((a) => (globalThis as unknown as OuterWindow).api.executeCommand(...(a as [string])), args);

test('nobody frames a meeting until the administrator says who may', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  // A refused frame is an error page; the browser says so in its console, which is right here.
  const refused = page.waitForEvent('console', (m) => /frame-ancestors/.test(m.text()));
  await page.goto(outer);
  await page.evaluate((url) => {
    const frame = document.createElement('iframe');
    frame.src = `${url}/framed`;
    document.body.append(frame);
  }, started.box.url);
  await refused;
  await until('the box is told of it', 30_000, async () => (await policyReports(started.box)) === 1); // a page that closes may not tell
  await context.close();
  // What is wrong everywhere else is what is wanted here.
  const faults = takeFaults();
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.every((fault) => fault.includes('frame-ancestors'))).toBe(true);

  const api = await request.newContext({ ignoreHTTPSErrors: true, baseURL: started.box.consoleUrl, extraHTTPHeaders: { Origin: started.box.consoleUrl, 'If-Match': '*' } });
  const claimed = await api.post('/api/v1/claim', { data: { code: await setupCode(started.box), name: 'Workshop', password: 'nine small boats at the quay' } });
  expect(claimed.status(), await claimed.text()).toBeLessThan(300);
  const bad = await api.put('/api/v1/settings/rooms', { data: { frames: ['https://*'] } });
  expect(bad.status()).toBe(422);
  const set = await api.put('/api/v1/settings/rooms', { data: { frames: [outer] } });
  expect(set.status(), await set.text()).toBeLessThan(300);
  await api.dispose();
});

test('20 commands and their events, with a guest who came by the link', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 800, height: 600 } });
  const page = await embed(context, 'embedded', {
    userInfo: { displayName: 'Intranet' },
    configOverwrite: { startWithAudioMuted: true, prejoinConfig: { enabled: false } },
  });
  await until('the frame is in the meeting', 30_000, async () => (await said(page, 'videoConferenceJoined')).length === 1);
  expect(await said(page, 'videoConferenceJoined')).toMatchObject([{ roomName: 'embedded', displayName: 'Intranet' }]);
  const frame = page.frames().find((f) => f !== page.mainFrame()) as Frame;
  await frame.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  expect(await page.evaluate(() => (globalThis as unknown as OuterWindow).api.isAudioMuted())).toBe(true);

  const ben = await Guest.open(browser, started.box.url, 'Ben');
  await ben.join(`${started.box.url}/embedded`);
  await until('Ben is told', 30_000, async () => (await said(page, 'participantJoined')).some((d) => d['displayName'] === 'Ben'));
  await until('Ben sees the frame', 30_000, async () => ((await ben.frames())['Intranet'] ?? 0) > 0);
  const benId = (await said(page, 'participantJoined'))[0]?.['id'];

  await command(page, 'toggleAudio');
  await until('unmuted', 30_000, async () => (await said(page, 'audioMuteStatusChanged')).at(-1)?.['muted'] === false);
  await command(page, 'toggleVideo');
  await until('the camera is off', 30_000, async () => (await said(page, 'videoMuteStatusChanged')).at(-1)?.['muted'] === true);
  await command(page, 'displayName', 'Front page');
  await until('renamed', 30_000, async () => (await said(page, 'displayNameChange')).at(-1)?.['displayname'] === 'Front page');
  await until('Ben sees the name', 30_000, async () => (await ben.state()).participants.some((p) => p.name === 'Front page'));
  await command(page, 'sendChatMessage', 'from outside');
  await until('Ben reads it', 30_000, () => ben.hasChat('from outside'));
  await ben.chat('from inside');
  await until('and answers', 30_000, async () => (await said(page, 'incomingMessage')).some((d) => d['message'] === 'from inside'));
  expect((await said(page, 'outgoingMessage')).map((d) => d['message'])).toEqual(['from outside']);
  await command(page, 'toggleChat');
  await frame.getByRole('textbox', { name: 'Message' }).waitFor();
  await command(page, 'toggleRaiseHand');
  await until('the hand is up', 30_000, async () => Number((await said(page, 'raiseHandUpdated')).at(-1)?.['handRaised']) > 0);
  await command(page, 'pinParticipant', benId);
  await until('not all of one size', 30_000, async () => (await said(page, 'tileViewChanged')).at(-1)?.['enabled'] === false);
  await command(page, 'setTileView', true);
  await until('all of one size', 30_000, async () => (await said(page, 'tileViewChanged')).at(-1)?.['enabled'] === true);
  await command(page, 'setLargeVideoParticipant', benId);
  await frame.locator('.tile-stage').filter({ hasText: 'Ben' }).waitFor();
  await command(page, 'toggleFilmStrip');
  await until('nothing beside it', 30_000, async () => (await frame.locator('.tile').count()) === 1);
  await command(page, 'toggleFilmStrip');
  await until('and again', 30_000, async () => (await frame.locator('.tile').count()) === 2);
  await command(page, 'setTileView', true);
  await command(page, 'toggleTileView');
  await until('who speaks is big', 30_000, async () => (await said(page, 'tileViewChanged')).at(-1)?.['enabled'] === false);
  await command(page, 'toggleTileView');
  await command(page, 'toggleParticipantsPane');
  await frame.getByRole('complementary', { name: 'People (2)' }).waitFor();
  await command(page, 'toggleShareScreen');
  await until('the screen is shared', 30_000, async () => (await said(page, 'screenSharingStatusChanged')).at(-1)?.['on'] === true);
  await command(page, 'toggleShareScreen');
  await until('no more', 30_000, async () => (await said(page, 'screenSharingStatusChanged')).at(-1)?.['on'] === false);
  await command(page, 'grantModerator', benId);
  await until('Ben moderates', 30_000, async () => (await said(page, 'participantRoleChanged')).some((d) => d['id'] === benId && d['role'] === 'moderator'));
  await doors(page, ben);
  await command(page, 'muteEveryone', 'audio');
  await until('Ben is muted', 30_000, async () => (await ben.state()).participants[0]?.audioMuted === true);
  await command(page, 'kickParticipant', benId);
  await until('Ben is gone', 30_000, async () => (await said(page, 'participantLeft')).length === 2);
  await command(page, 'nonsense', '<script>');
  await command(page, 'hangup');
  await until('it is over', 30_000, async () => (await said(page, 'readyToClose')).length === 1);
  expect(ben.faults).toEqual([]);
  await ben.close();
  await context.close();
});

/** Password and lobby, and who knocks. */
async function doors(page: Page, ben: Guest): Promise<void> {
  await command(page, 'password', 'sesame');
  await ben.page.locator('.room-lock').waitFor();
  await command(page, 'password', '');
  await ben.page.locator('.room-lock').waitFor({ state: 'detached' });
  await command(page, 'toggleLobby', true);
  // Who was made a moderator is one still.
  await ben.page.getByRole('button', { name: 'More' }).click();
  await ben.page.getByRole('menuitem', { name: 'Lobby and password' }).click();
  await until('the lobby is on', 30_000, () => ben.page.getByRole('checkbox', { name: /^Lobby/ }).isChecked());
  await ben.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  const cleo = await Guest.open(browser, started.box.url, 'Cleo');
  await cleo.page.goto(`${started.box.url}/embedded`);
  await cleo.page.getByLabel('Your name').fill('Cleo');
  await cleo.page.getByRole('button', { name: 'Join meeting' }).click();
  await until('Cleo knocks', 30_000, async () => (await said(page, 'knockingParticipant')).length === 1);
  const knocking = (await said(page, 'knockingParticipant'))[0]?.['participant'] as { readonly id: string } | undefined;
  await command(page, 'answerKnockingParticipant', knocking?.id, true);
  await cleo.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  await cleo.page.getByRole('button', { name: 'Leave meeting' }).click();
  await until('Cleo is gone', 30_000, async () => (await said(page, 'participantLeft')).length === 1);
  expect(cleo.faults).toEqual([]);
  await cleo.close();
}

test('what is on no list is not listened to', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 800, height: 600 } });
  const page = await context.newPage();
  await page.goto(`${started.box.url}/lonely`);
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Join meeting' }).click();
  await page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  // Not in a frame: even the page's own origin commands nothing.
  await page.evaluate(() => {
    for (const kind of ['hello', 'command']) postMessage({ 'meetbox-embed-1': { kind, name: 'hangup', args: [] } }, '*');
  });
  await page.keyboard.press('m');
  expect(await page.getByRole('toolbar', { name: 'Meeting controls' }).isVisible()).toBe(true);
  await context.close();
});
