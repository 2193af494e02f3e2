// The page /check: does a meeting work on this device, in this network?

import { render } from 'preact';
import { bestLanguage, speakAll } from '../i18n/words.ts';
import { demandTrustedTypes } from '../trusted.ts';
import { createCheck } from './model/check.ts';
import { CheckPage } from './view/CheckPage.tsx';
import { checkWords } from './words.ts';

demandTrustedTypes(['/check-sw.js']);

const check = createCheck();
const root = document.querySelector('#app');
function show(): void {
  if (root) render(<CheckPage check={check} />, root);
}

// The language that was chosen in the meeting's page, else the browser's.
let chosen = '';
try {
  chosen = localStorage.getItem('meetbox.language') ?? '';
} catch {
  // a browser that forbids it
}
speakAll(bestLanguage(chosen === '' ? navigator.languages : [chosen], ['en', ...checkWords.tags]), [checkWords]).then(show, show);

// How the box presents itself comes beside; without it the page looks as the product does.
import('../kit/brandLoad.ts').then((m) => m.loadBrand(), () => undefined);
