import { render } from 'preact';
import { bestLanguage, speak } from './i18n/i18n.ts';
import { openConfig, openDevices, openMeeting, supported } from './meeting/model/start.ts';
import { App } from './meeting/view/app/App.tsx';
import { current } from './meeting/view/app/current.ts';
import { language, name } from './meeting/view/app/settings.ts';
import { framed, wishes } from './meeting/view/app/wishes.ts';
import { demandTrustedTypes } from './trusted.ts';

demandTrustedTypes();

function open(room: string) {
  const config = openConfig();
  return openMeeting(room, config, openDevices(config));
}

const root = document.querySelector('#app');
function show(): void {
  if (root) render(<App open={open} able={supported()} />, root);
}

if (framed) {
  if (wishes.displayName !== '') name.value = wishes.displayName;
  void import('./meeting/view/embed/host.ts').then(({ attach }) => attach(current, openConfig().frames));
}

const chosen = language.peek() || wishes.language;

// A language that cannot be loaded leaves the page in English.
speak(bestLanguage(chosen === '' ? navigator.languages : [chosen])).then(show, show);

// How the box presents itself comes beside; without it the page looks as the product does.
import('./kit/brandLoad.ts').then((m) => m.loadBrand(), () => undefined);
