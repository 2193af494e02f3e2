import { render } from 'preact';
import { bestLanguage } from '../i18n/words.ts';
import { carry, pause } from './model/carry.ts';
import { openConsole } from './model/console.ts';
import { answerOf } from './model/provider.ts';
import { App } from './view/App.tsx';
import { language } from './view/chosen.ts';
import { languages, speak } from './words.ts';

const box = openConsole(carry, pause, Date.now, answerOf(location));
// Not in the history, nor to be sent again by loading the page anew.
if (box.back.peek()) history.replaceState(null, '', '/');
void box.start();

const root = document.querySelector('#app');
function show(): void {
  if (root) render(<App box={box} />, root);
}

const wanted = language.peek() === '' ? navigator.languages : [language.peek()];
const tag = bestLanguage(
  wanted,
  languages.map((l) => l.tag),
);
// A language that cannot be loaded leaves the page in English.
speak(tag).then(show, show);

// How the box presents itself comes beside; without it the page looks as the product does.
import('../kit/brandLoad.ts').then((m) => m.loadBrand(), () => undefined);
