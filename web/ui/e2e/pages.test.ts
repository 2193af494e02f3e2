import { describe, expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, until } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const small = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true };
const desktop = { viewport: { width: 1280, height: 800 } };
const { guests, open } = cast(box.url);

describe('rooms of any name', () => {
  test.each(['Büro & Küche 5', '会议 一', 'a/b', '100 % "sure" <b>', "O'Neil?#x", 'مرحبا', '😀 stand-up'])('%s', async (name) => {
    const first = await open('Ada');
    await first.join(`${box.url}/${encodeURIComponent(name)}`);
    await expect.poll(() => first.page.locator('h1').textContent()).toBe(name);
    const second = await open('Ben');
    await second.join(`${box.url}/${encodeURIComponent(name)}`);
    await until('they meet', 30_000, async () => (await first.state()).participants.length === 2 && (await second.state()).participants.length === 2);
  });

  test('different names are different rooms', async () => {
    const first = await open('Ada');
    await first.join(`${box.url}/a%2Fb`);
    const second = await open('Ben');
    await second.join(`${box.url}/a-b`);
    await first.chat('alone?');
    await until('Ada reads herself', 30_000, () => first.hasChat('alone?'));
    expect((await first.state()).participants.length).toBe(1);
    expect((await second.state()).participants.length).toBe(1);
  });
});

describe('getting in', () => {
  test('from the start page, with a name of its own or a made-up one', async () => {
    const ada = await open('Ada', desktop);
    await ada.page.goto(box.url);
    await ada.page.getByRole('heading', { level: 1 }).waitFor();
    const suggestion = await ada.page.getByLabel('Room name').getAttribute('placeholder');
    expect(suggestion).toMatch(/^(?:[a-z]{2}){3}-(?:[a-z]{2}){3}$/);
    await ada.page.getByRole('button', { name: 'Start a meeting' }).click();
    await ada.page.waitForURL(`${box.url}/${suggestion}`);
    await ada.page.getByLabel('Your name').fill('Ada');
    await ada.page.getByRole('button', { name: 'Join meeting' }).click();
    await ada.page.getByRole('toolbar').waitFor();

    await ada.page.goBack();
    await ada.page.getByRole('link', { name: suggestion ?? '' }).waitFor();
    await ada.page.getByLabel('Room name').fill('Weekly review');
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('heading', { name: 'Weekly review' }).waitFor();
    expect(await ada.page.getByLabel('Your name').inputValue()).toBe('Ada');

    // A room where one has been is one click away, until it is to be forgotten.
    await ada.page.goBack();
    await ada.page.getByRole('link', { name: suggestion ?? '' }).click();
    await ada.page.getByRole('heading', { name: suggestion ?? '' }).waitFor();
    await ada.page.goBack();
    await ada.page.getByRole('button', { name: `Remove ${suggestion} from this list` }).click();
    await ada.page.getByRole('link', { name: suggestion ?? '' }).waitFor({ state: 'detached' });
    await ada.page.reload();
    await ada.page.getByLabel('Room name').waitFor();
    expect(await ada.page.getByRole('link', { name: suggestion ?? '' }).count()).toBe(0);
  });

  test('with little: languages, effects and the whiteboard come when somebody wants them', async () => {
    const ada = await open('Ada', desktop);
    const asked: string[] = [];
    ada.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const wants = (what: RegExp) => asked.filter((path) => what.test(path));
    const [language, effect, board] = [/\/assets\/(?:de|fr|es|it|nl|pl|pt-BR)-/, /\.(?:wasm|tflite)$|worklet|worker/, /\/assets\/(?:Canvas|excalidraw)/];
    await ada.join(`${box.url}/light`);
    await ada.page.getByRole('heading', { name: 'You are the first one here' }).waitFor();
    await ada.page.waitForLoadState('networkidle');
    for (const late of [language, effect, board]) expect(wants(late)).toEqual([]);

    const menu = async (item: string) => {
      await ada.page.getByRole('button', { name: 'More' }).click();
      await ada.page.getByRole('menuitem', { name: item }).click();
    };
    await menu('Background');
    await ada.page.getByRole('dialog').getByText('Blurred').click();
    await until('the effect comes', 30_000, () => Promise.resolve(wants(effect).length > 0));
    await ada.page.keyboard.press('Escape');
    await menu('Open whiteboard for all');
    await until('the whiteboard comes', 30_000, () => Promise.resolve(wants(board).length > 0));
    await menu('Settings');
    await ada.page.getByLabel('Language').selectOption('de');
    await until('the language comes', 30_000, () => Promise.resolve(wants(language).length > 0));
    await ada.page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
  });

  test('by keyboard only, out again too', async () => {
    const ada = await open('Ada', desktop);
    await ada.page.goto(`${box.url}/keyboard`);
    await ada.page.getByLabel('Your name').waitFor();
    await ada.page.keyboard.type('Ada');
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('toolbar').waitFor();
    await until('microphone is on', 30_000, async () => (await ada.state()).participants[0]?.audioMuted === false);
    await ada.page.keyboard.press('m');
    await until('M mutes', 30_000, async () => (await ada.state()).participants[0]?.audioMuted === true);
    await ada.page.keyboard.press('c');
    await ada.page.getByRole('textbox', { name: 'Message' }).waitFor();
    await ada.page.keyboard.type('m is a letter here');
    await ada.page.keyboard.press('Enter');
    await until('the chat has it', 30_000, () => ada.hasChat('m is a letter here'));
    expect((await ada.state()).participants[0]?.audioMuted, 'typing does not unmute').toBe(true);
    await ada.page.keyboard.press('Escape');
    const leave = ada.page.getByRole('button', { name: 'Leave meeting' });
    for (let i = 0; i < 20 && !(await leave.evaluate((e) => e === document.activeElement)); i++) await ada.page.keyboard.press('Tab');
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
  });

  test('without a camera or microphone', async () => {
    const ada = await open('Ada', desktop);
    await ada.page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await ada.page.goto(`${box.url}/no-devices`);
    await ada.page.getByText('does not let the page use your camera and microphone').waitFor();
    await ada.page.getByLabel('Your name').fill('Ada');
    await ada.page.getByRole('button', { name: 'Join meeting' }).click();
    await ada.page.getByRole('toolbar').waitFor();
    const ben = await open('Ben', desktop);
    await ben.join(`${box.url}/no-devices`);
    await until('Ada sees Ben', 30_000, async () => ((await ada.frames())['Ben'] ?? 0) > 0);
    await ben.tile('Ada').getByText('microphone off').waitFor();
  });

  test('without trust: the page says what to do', async () => {
    const ada = await open('Ada', phone);
    await ada.page.addInitScript(() => {
      Object.defineProperty(navigator, 'mediaDevices', { value: undefined });
      Object.defineProperty(globalThis, 'isSecureContext', { value: false });
    });
    await ada.page.goto(`${box.url}/room`);
    await ada.page.getByRole('heading', { name: 'This page needs a secure connection' }).waitFor();
    expect(await ada.page.getByRole('link', { name: 'get its certificate' }).getAttribute('href')).toBe('/ca.crt');
    await shoot(ada.page, 'insecure-phone-light');
    expect(await barriers(ada.page)).toEqual([]);
  });

  test('over plain HTTP one is sent to the secure page', async () => {
    const ada = await open('Ada');
    const answer = await fetch(`${box.plainUrl}/room?x=1`, { redirect: 'manual' });
    expect(answer.headers.get('location')).toBe(`${box.url}/room?x=1`);
    const certificate = await fetch(`${box.plainUrl}/ca.crt`);
    expect(certificate.headers.get('content-type')).toBe('application/x-x509-ca-cert');
    await ada.page.goto(box.url);
  });
});

describe('how it looks', () => {
  test.each([
    ['phone', 'light', phone],
    ['phone', 'dark', phone],
    ['small', 'light', small],
    ['desktop', 'light', desktop],
    ['desktop', 'dark', desktop],
  ] as const)('%s, %s', async (device, colorScheme, options) => {
    const id = `${device}-${colorScheme}`;
    const room = `${box.url}/${encodeURIComponent(id === 'desktop-light' ? 'Monday stand-up' : `Monday ${id}`)}`;
    const robin = await open('Robin', { ...options, colorScheme }, 0);
    await robin.page.goto(box.url);
    await robin.page.getByRole('heading', { level: 1 }).waitFor();
    await shoot(robin.page, `start-${id}`);
    expect(await fits(robin.page), 'start page').toBe(true);
    expect(await barriers(robin.page), 'start page').toEqual([]);
    await robin.page.goto(room);
    await robin.page.locator('.preview video').waitFor();
    await shoot(robin.page, `prejoin-${id}`);
    expect(await fits(robin.page), 'pre-join page').toBe(true);
    expect(await barriers(robin.page), 'pre-join page').toEqual([]);
    await robin.join(room);
    await robin.page.getByText('You are the first one here').waitFor();
    await shoot(robin.page, `alone-${id}`);
    for (const [i, name] of ['Workshop', 'Front desk'].entries()) {
      const guest = await open(name, desktop, i + 1);
      await guest.join(room);
    }
    await allSee(guests, 90_000);
    await until('notices go by themselves', 30_000, async () => (await robin.page.locator('.notice').count()) === 0);
    await shoot(robin.page, `meeting-${id}`);
    expect(await fits(robin.page), 'meeting').toBe(true);
    expect(await barriers(robin.page), 'meeting').toEqual([]);
    const controls = await robin.page.getByRole('toolbar').getByRole('button').all();
    const visible = [];
    for (const control of controls) if (await control.isVisible()) visible.push((await control.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 });
    const { width = 0, height = 0 } = robin.page.viewportSize() ?? {};
    expect(visible.every((b) => b.x >= 0 && b.x + b.width <= width && b.y + b.height <= height && b.width >= 44 && b.height >= 44), `controls ${JSON.stringify(visible)}`).toBe(true);
    for (const [i, text] of ['Good morning! I put the plan for the new office here: https://wiki.example/plan', 'Two minutes, please', 'No hurry, we are early'].entries()) {
      await guests[(i + 1) % 3]?.chat(text);
      await until('chat', 30_000, () => robin.hasChat(text));
    }
    if (!(await robin.page.getByRole('heading', { name: 'Chat' }).isVisible())) await robin.page.getByRole('button', { name: /^Chat/ }).click();
    await shoot(robin.page, `chat-${id}`);
    expect(await fits(robin.page), 'chat').toBe(true);
    expect(await barriers(robin.page), 'chat').toEqual([]);
    await robin.page.keyboard.press('Escape');
    await robin.page.getByRole('button', { name: /^People/ }).click();
    await shoot(robin.page, `people-${id}`);
    expect(await fits(robin.page), 'people').toBe(true);
    expect(await barriers(robin.page), 'people').toEqual([]);
    await robin.page.keyboard.press('Escape');
    await robin.page.getByRole('button', { name: 'Leave meeting' }).click();
    await robin.page.getByRole('button', { name: 'Rejoin' }).waitFor();
    await shoot(robin.page, `left-${id}`);
    expect(await barriers(robin.page), 'left page').toEqual([]);
  });
});
