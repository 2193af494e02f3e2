// The page on the plain port. It is the only one that a device opens before it trusts the box, so it
// needs nothing that browsers give to secure pages only.

import { render } from 'preact';
import { signal } from '@preact/signals';
import { bestLanguage, speakAll } from '../i18n/words.ts';
import { browserProbe, type Trust, watchTrust } from './model/watch.ts';
import { TrustPage } from './view/TrustPage.tsx';
import { trustWords } from './words.ts';

interface Where {
  readonly origin: string;
  readonly sha256: string;
}

async function start(): Promise<void> {
  const tag = bestLanguage(navigator.languages, ['en', ...trustWords.tags]);
  const [where] = await Promise.all([ask(), speakAll(tag, [trustWords]).catch(() => undefined)]);
  const root = document.querySelector('#app');
  if (!root) return;
  const trust = where ? watchTrust(where.origin, browserProbe) : signal<Trust>('unknown');
  render(<TrustPage origin={where?.origin ?? null} fingerprint={where?.sha256 ?? ''} trust={trust} />, root);
  // Who only typed the box's name goes on where it is trusted already.
  if (where && location.pathname === '/') {
    trust.subscribe((now) => {
      if (now === 'yes' && performance.now() < arrived) location.replace(where.origin);
    });
  }
}

/** Later than this, somebody is reading: they go on when they choose to. */
const arrived = 4000;

async function ask(): Promise<Where | null> {
  try {
    return (await (await fetch('/trust.json', { cache: 'no-store' })).json()) as Where;
  } catch {
    return null;
  }
}

void start();

// How the box presents itself comes beside; without it the page looks as the product does.
import('../kit/brandLoad.ts').then((m) => m.loadBrand(), () => undefined);
