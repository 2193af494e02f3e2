import { render } from 'preact';
import { bestLanguage, speak } from './i18n/i18n.ts';
import { openConfig, openDevices, openMeeting, supported } from './meeting/model/start.ts';
import { App } from './meeting/view/app/App.tsx';
import { language } from './meeting/view/app/settings.ts';
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

// A language that cannot be loaded leaves the page in English.
speak(bestLanguage(language.peek() === '' ? navigator.languages : [language.peek()])).then(show, show);
