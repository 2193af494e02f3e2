// Safari's engine: every page is there, fits a phone, and does what it does elsewhere, up to what
// needs WebRTC, which Debian's build of it lacks.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Box, ownerPassword, setupCode, startBox } from './box.ts';
import { allow } from './network.ts';
import { launchWebKit, type WebKit } from './webkit.ts';

const phone = { width: 390, height: 800 };
const desktop = { width: 1280, height: 800 };
let box: Box;
let stop: () => Promise<void>;
let page: WebKit;

beforeAll(async () => {
  ({ box, stop } = await startBox('log-webkit'));
  allow(box.url, box.plainUrl, box.consoleUrl);
  page = await launchWebKit();
  await page.size(phone);
});
afterAll(async () => {
  await page.close();
  await stop();
});
afterEach(async () => {
  expect(await page.takeFaults(), 'what pages complained of').toEqual([]);
});

/** Its picture, and nothing that sticks out at the side. */
async function look(picture: string): Promise<void> {
  await page.shoot(picture);
  expect(await page.run('return document.documentElement.scrollWidth <= innerWidth;'), `${picture} fits`).toBe(true);
}

async function open(url: string, heading: string): Promise<void> {
  await page.goto(url);
  await page.see('h1', heading);
}

describe('WebKit', () => {
  test('a meeting without WebRTC: the page says so, and what to do', async () => {
    for (const [picture, url] of [['start', box.url], ['room', `${box.url}/some-room`]] as const) {
      await open(url, 'This browser cannot do video meetings');
      await page.see('p', 'Open the link in a current Chrome, Edge, Firefox or Safari.');
      await look(`${picture}-phone`);
    }
  });

  test('the trust page sees that it is trusted', async () => {
    await open(`${box.plainUrl}/trust`, 'Trust this box');
    await page.see('p', 'This device trusts the box.');
    await look('trust-phone');
  });

  test('the check goes to its end and names what is missing', async () => {
    await open(`${box.url}/check`, 'Check this device');
    await page.click('button', 'Only the connection');
    await page.see('.check-overall', 'Something keeps meetings from working.');
    await look('check-phone');
  });

  test('a new box gets its owner, who finds the console', async () => {
    await open(box.consoleUrl, 'Welcome');
    await look('welcome-phone');
    await page.click('button', 'Begin');
    await page.fill('Setup code', '0000-0000');
    await page.fill('Name', 'Harbour master');
    await page.fill('Password', 'short');
    await page.click('button', 'Become the owner');
    await page.see('[aria-invalid]');
    await look('mistakes-phone');
    await page.fill('Setup code', await setupCode(box));
    await page.fill('Password', ownerPassword);
    await page.click('button', 'Become the owner');
    await page.see('h1', 'Recovery codes');
    await look('codes-phone');
    await page.click('button', 'I have kept them');
    await page.see('h1', 'Name and time');
    await page.see('p', 'The box and this computer agree.');
    for (const [button, heading] of [['Next', 'Network'], ['Next', 'Trust'], ['Next', 'Test call'], ['Go on without', 'Ready']] as const) {
      await page.click('button', button);
      await page.see('h1', heading);
      await look(`setup-${heading.toLowerCase().replace(' ', '-')}-phone`);
    }
    await page.click('button', 'Go to the console');
    await page.see('h1', 'Overview');
    await look('overview-phone');
    await page.click('button', 'Menu');
    await look('menu-phone');
    await page.click('button', 'Sign out');
    await page.see('h1', 'Sign in to the console');
  });

  test('the console: a wrong password, the right one, pages, a dialog', async () => {
    await page.size(desktop);
    await open(box.consoleUrl, 'Sign in to the console');
    await page.fill('Name', 'Harbour master');
    await page.fill('Password', 'not the password');
    await page.click('button', 'Sign in');
    await page.see('[role=alert]');
    await look('wrong-password-desktop');
    await page.fill('Password', ownerPassword);
    await page.click('button', 'Sign in');
    await page.see('h1', 'Overview');
    for (const name of ['Planned meetings', 'Network and names', 'Appearance', 'People and tokens', 'Audit log']) {
      await page.click('nav a', name);
      await page.see('h1', name);
      await look(`${name.toLowerCase().replaceAll(' ', '-')}-desktop`);
    }
    await page.click('nav a', 'Planned meetings');
    await page.click('button', 'Plan a meeting');
    await page.see('dialog h2');
    await look('dialog-desktop');
    await page.click('dialog button', 'Close');
    await page.see('h1', 'Planned meetings');
  });
});
