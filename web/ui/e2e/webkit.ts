// Safari's engine, as Debian builds it (WebKitGTK), steered by WebDriver (W3C). That build has no
// WebRTC: it shows everything but the meeting itself.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { freeTcp } from './box.ts';
import { until } from './guest.ts';
import { shots } from './look.ts';
import { look } from './network.ts';

/** Of the window, in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The browser's one window. */
export interface WebKit {
  /** Errors that pages did not catch since the last call. */
  takeFaults(): Promise<readonly string[]>;
  goto(url: string): Promise<void>;
  /** Runs the body of an async function in the page. */
  run<T>(body: string, ...args: readonly unknown[]): Promise<T>;
  size(to: Size): Promise<void>;
  /** Waits for an element that can be seen, has the selector, and whose name (label or text) begins with it. */
  see(selector: string, name?: string): Promise<void>;
  /** Clicks it as a person does. */
  click(selector: string, name?: string): Promise<void>;
  /** Types into the field with that label. */
  fill(label: string, text: string): Promise<void>;
  shoot(name: string): Promise<void>;
  close(): Promise<void>;
}

// How WebDriver names an element (W3C WebDriver, 12.1).
const elementKey = 'element-6066-11e4-a52e-4f735466cecf';
const startTime = 60_000;
const patience = 90_000;

// The browser's own bar would keep its window wider than a phone.
const narrow = '* { min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0; font-size: 1px; }';

// What people see of an element: its label, or its text.
const find = `
  const [selector, name] = arguments;
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && e.getClientRects().length > 0;
  const nameOf = (e) => (e.getAttribute('aria-label') ?? (e.labels?.[0] ?? e).textContent ?? '').replace(/\\s+/g, ' ').trim();
  return [...document.querySelectorAll(selector)].find((e) => seen(e) && nameOf(e).startsWith(name)) ?? null;
`;

const listen = `
  window.complaints = [];
  addEventListener('error', (event) => window.complaints.push(String(event.message)));
  addEventListener('unhandledrejection', (event) => window.complaints.push(String(event.reason)));
`;
const noted = `
  const requests = [location.href, ...performance.getEntriesByType('resource').map((e) => e.name)];
  return { requests, complaints: (window.complaints ?? []).splice(0) };
`;

// A picture of what one looks at, not of how it slides in.
const settled = `
  await Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined)));
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
`;

export async function launchWebKit(): Promise<WebKit> {
  const home = await mkdtemp(path.join(tmpdir(), 'mb-webkit-'));
  await mkdir(path.join(home, 'gtk-3.0'));
  await writeFile(path.join(home, 'gtk-3.0', 'gtk.css'), narrow);
  const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1400x1000x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const display = `:${(await firstLine(screen.stdio[3] as Readable)).trim()}`;
  const port = await freeTcp();
  const driver = spawn('WebKitWebDriver', [`--port=${port}`], {
    env: { ...process.env, DISPLAY: display, NO_AT_BRIDGE: '1', XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, XDG_CACHE_HOME: home, LC_ALL: 'C.UTF-8', LANGUAGE: 'en' },
    stdio: 'ignore',
  });
  const end = async () => {
    await ended(driver);
    await ended(screen);
    await rm(home, { recursive: true, force: true });
  };
  try {
    return await session(`http://127.0.0.1:${port}`, end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function session(at: string, end: () => Promise<void>): Promise<WebKit> {
  const ask = async <T>(method: string, command: string, body?: unknown): Promise<T> => {
    const answer = await fetch(at + command, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const { value } = (await answer.json()) as { value: T };
    if (!answer.ok) throw new Error(`${method} ${command}: ${JSON.stringify(value)}`);
    return value;
  };
  await until('WebDriver answers', startTime, async () => await ask('GET', '/status').then(() => true, () => false));
  const options = {
    binary: await miniBrowser(),
    args: ['--automation'],
  };
  const { sessionId } = await ask<{ sessionId: string }>('POST', '/session', { capabilities: { alwaysMatch: { acceptInsecureCerts: true, 'webkitgtk:browserOptions': options } } });
  const my = `/session/${sessionId}`;
  const faults: string[] = [];
  const sync = async <T>(script: string, ...args: readonly unknown[]) => await ask<T>('POST', `${my}/execute/sync`, { script, args });
  /** Waits for an element, and does this with it; where the page was drawn anew meanwhile, with the one in its place. */
  const found = async (selector: string, name: string, act: (element: string) => Promise<unknown> = () => Promise.resolve()): Promise<void> => {
    await until(`${selector} ${name}`, patience, async () => {
      const id = (await sync<Readonly<Record<string, string>> | null>(find, selector, name))?.[elementKey];
      if (id === undefined) return false;
      return await act(`${my}/element/${id}`).then(() => true, (error: unknown) => {
        if (/stale element reference|element click intercepted/.test(String(error))) return false;
        throw error;
      });
    });
  };
  // What the page asked for and complained of until it is left. What it complained of before its
  // first heading shows in that this is missing; what the policy stops is counted by the box.
  const note = async () => {
    const { requests, complaints } = await sync<{ requests: string[]; complaints: string[] }>(noted);
    for (const url of requests) look('request', url);
    faults.push(...complaints);
  };
  const run = async <T>(body: string, ...args: readonly unknown[]): Promise<T> => {
    const script = `const done = arguments[arguments.length - 1]; (async (...args) => { ${body} })(...arguments).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await ask<{ value: T; error?: string }>('POST', `${my}/execute/async`, { script, args });
    if (error !== undefined) throw new Error(error);
    return value;
  };
  return {
    async takeFaults() {
      await note();
      return faults.splice(0);
    },
    async goto(url) {
      await note();
      await ask('POST', `${my}/url`, { url });
      await sync(listen);
    },
    run,
    async size(to) {
      const bars = await sync<Size>('return { width: outerWidth - innerWidth, height: outerHeight - innerHeight };');
      await ask('POST', `${my}/window/rect`, { width: to.width + bars.width, height: to.height + bars.height });
      await until(`a window of ${to.width} × ${to.height}`, patience, async () => {
        const now = await sync<Size>('return { width: innerWidth, height: innerHeight };');
        return now.width === to.width;
      });
    },
    async see(selector, name = '') {
      await found(selector, name);
    },
    async click(selector, name = '') {
      await found(selector, name, (element) => ask('POST', `${element}/click`, {}));
    },
    async fill(label, text) {
      await found('input, textarea, select', label, async (field) => {
        await ask('POST', `${field}/clear`, {});
        await ask('POST', `${field}/value`, { text });
      });
    },
    async shoot(name) {
      await run(settled);
      await mkdir(shots, { recursive: true });
      await writeFile(path.join(shots, `webkit-${name}.png`), Buffer.from(await ask<string>('GET', `${my}/screenshot`), 'base64'));
    },
    async close() {
      await note();
      await ask('DELETE', my);
      await end();
    },
  };
}

/** Debian keeps WebKit's own browser beside the library, whose folder has the machine's architecture in its name. */
async function miniBrowser(): Promise<string> {
  const given = process.env['MEETBOX_WEBKIT'];
  if (given !== undefined) return given;
  for (const folder of await readdir('/usr/lib')) {
    const file = path.join('/usr/lib', folder, 'webkit2gtk-4.1', 'MiniBrowser');
    if (await access(file).then(() => true, () => false)) return file;
  }
  throw new Error('no MiniBrowser of WebKitGTK: run "scripts/need.sh webkit"');
}

async function firstLine(stream: Readable): Promise<string> {
  const [line] = (await once(createInterface({ input: stream }), 'line')) as [string];
  return line;
}

async function ended(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const gone = once(program, 'exit');
  program.kill();
  await gone;
}
