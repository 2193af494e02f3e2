import { render } from 'preact';
import type { Phase } from '../../src/meeting/model/types.ts';
import { speak } from '../../src/i18n/i18n.ts';
import { App } from '../../src/meeting/view/app/App.tsx';
import { room } from '../../src/meeting/view/app/route.ts';
import { fakeMeeting, type FakeOptions } from './fake.ts';

const phases: Record<string, Phase> = {
  prejoin: { at: 'idle' },
  connecting: { at: 'connecting' },
  lobby: { at: 'waiting', why: 'lobby' },
  password: { at: 'waiting', why: 'password', wrong: true },
  reconnecting: { at: 'reconnecting', why: 'server', since: 0 },
  left: { at: 'left', why: 'self' },
  kicked: { at: 'left', why: 'kicked', by: 'Front desk' },
  unreachable: { at: 'failed', why: 'unreachable' },
};

const query = new URLSearchParams(location.search);
const scene = query.get('scene') ?? 'meeting';
const options: FakeOptions = {
  people: Number(query.get('people') ?? (scene === 'alone' ? 0 : 3)),
  screen: query.has('screen'),
  chat: query.has('chat'),
  locked: query.has('locked'),
  moderator: query.has('moderator'),
  ...(query.has('weak') ? { verdict: { kind: query.get('weak') === 'box' ? ('box-busy' as const) : ('own-weak' as const) } } : {}),
  ...(query.has('denied') ? { problem: 'denied' as const } : {}),
  ...(phases[scene] ? { phase: phases[scene] } : {}),
};

room.value = scene === 'start' ? '' : 'Monday stand-up';
if (scene === 'start' && query.has('recent')) {
  const now = Date.now();
  localStorage.setItem('meetbox.recent', JSON.stringify([{ room: 'Monday stand-up', at: now - 7_000_000 }, { room: 'design', at: now - 90_000_000 }, { room: 'balofa-mirenu', at: now - 400_000_000 }]));
} else localStorage.removeItem('meetbox.recent');

const root = document.querySelector('#app');
await speak(query.get('lang') ?? 'en');
if (root) render(<App open={(name) => fakeMeeting(name, options)} able={scene !== 'insecure'} />, root);
