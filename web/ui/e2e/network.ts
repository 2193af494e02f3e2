// The tests' own network log. Every browser is started through here, so that every page of every
// context is in it, whoever opened it: what goes anywhere but to the box, and what the box's content
// security policy stopped. Neither is ever right, see setup.ts.

import type { Browser, BrowserContext } from 'playwright-core';

const hosts = new Set<string>();
const faults: string[] = [];
let requests = 0;

/** Where pages may go: origins of the box, and of pages that a test serves itself. */
export function allow(...origins: readonly string[]): void {
  for (const origin of origins) hosts.add(new URL(origin).host);
}

/** What was wrong since the last call. */
export function takeFaults(): readonly string[] {
  return faults.splice(0);
}

/** Requests seen so far, so that a log that sees nothing is noticed. */
export function seen(): number {
  return requests;
}

/** A file of tests that opens no page at all says so. */
export function withoutPages(): void {
  requests = Infinity;
}

/** The browser, with an eye on all it will open. */
export function watched(browser: Browser): Browser {
  const open = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await open(options);
    watch(context);
    return context;
  };
  browser.newPage = async (options) => await (await browser.newContext(options)).newPage();
  return browser;
}

/** Notes that a page asked for this. */
export function look(what: string, url: string): void {
  if (/^(?:blob|data|about):/.test(url)) return;
  requests += 1;
  if (hosts.size > 0 && !hosts.has(new URL(url).host)) faults.push(`${what} to ${url}`);
}

/** Keeps an eye on a context that was not opened by a watched browser. */
export function watch(context: BrowserContext): void {
  context.on('request', (request) => {
    look('request', request.url());
    if (request.url().endsWith('/_csp-report')) faults.push(`policy report ${request.postData() ?? ''}`);
  });
  context.on('page', (page) => {
    page.on('websocket', (socket) => look('socket', socket.url()));
    page.on('console', (message) => {
      if (/content security policy|content-security-policy|trusted ?type|permissions.policy/i.test(message.text())) faults.push(`console ${message.text()}`);
    });
  });
}
