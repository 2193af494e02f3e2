import { render } from 'preact';
import { openConfig, openDevices, openMeeting, supported } from './meeting/model/start.ts';
import { App } from './meeting/view/app/App.tsx';
import { demandTrustedTypes } from './trusted.ts';

demandTrustedTypes();

function open(room: string) {
  const config = openConfig();
  return openMeeting(room, config, openDevices(config));
}

const root = document.querySelector('#app');
if (root) render(<App open={open} able={supported()} />, root);
