// A meeting without a server, for looking at views: `npm run dev`, then /test/gallery/?scene=…

import { signal } from '@preact/signals-core';
import { portrait } from '../portrait.ts';
import type { Figures, Verdict } from '../../src/meeting/model/quality.ts';
import type { ChatMessage, LocalMedia, Meeting, Notice, Participant, Phase, Source, SourceState } from '../../src/meeting/model/types.ts';

export interface FakeOptions {
  readonly phase?: Phase;
  readonly people?: number;
  readonly screen?: boolean;
  readonly chat?: boolean;
  readonly problem?: 'denied' | 'missing';
  readonly moderator?: boolean;
  readonly locked?: boolean;
  readonly verdict?: Verdict;
}

const figures: Figures = {
  up: 1_240_000,
  down: 3_870_000,
  lossUp: 0.002,
  lossDown: 0.013,
  roundTrip: 0.0042,
  sent: '1280 × 720',
  received: '640 × 360',
  codecs: ['VP8'],
  path: { protocol: 'udp', local: '192.168.1.23:51820', remote: '192.168.1.2:10000', relayed: false },
};

const names = ['Front desk', 'Workshop', 'Radio room', 'Lab', 'Harbour office', 'Court room 2', 'Reception, ground floor', 'Field team', 'Kitchen', 'Engine room', 'Ward 3', 'Archive'];

export function fakeMeeting(room: string, options: FakeOptions): Meeting {
  const me = person('a0000000', options.phase?.at === 'idle' ? '' : 'Bridge deck', true, 0);
  const others = Array.from({ length: options.people ?? 2 }, (_, i) => person(`b000000${i}`, names[i % names.length] ?? 'Guest', false, i + 1));
  const [first] = others;
  if (first && options.screen) {
    Object.assign(first, { sharing: signal(true), screen: signal(slides()) });
  }
  if (options.moderator) Object.assign(me, { moderator: signal(true) });
  else if (first) Object.assign(first, { moderator: signal(true) });
  const phase = signal<Phase>(options.phase ?? { at: 'joined' });
  const participants = signal([me, ...others]);
  const notices = signal<readonly Notice[]>(options.people ? [{ id: 1, time: Date.now(), kind: 'joined', name: others.at(-1)?.name.value ?? '' }] : []);
  const chat = signal<readonly ChatMessage[]>(options.chat ? lines(others) : []);
  const media = fakeMedia(options);
  const nothing = () => Promise.resolve();
  return {
    room,
    phase,
    media,
    me,
    participants,
    dominantSpeaker: signal(others[1]?.id ?? null),
    audio: signal([]),
    chat,
    together: signal(null),
    unread: signal(options.chat ? 0 : 2),
    thinned: signal(false),
    notices,
    subject: signal(''),
    quality: { figures: signal(figures), verdict: signal(options.verdict ?? { kind: 'good' }) },
    frozen: signal(options.phase?.at === 'reconnecting'),
    locked: signal(options.locked ?? false),
    enterPassword: () => (phase.value = { at: 'waiting', why: 'password', wrong: true }),
    logIn: () => Promise.resolve({ is: 'wrong' }),
    setPassword: nothing,
    lobby: signal(false),
    knocking: signal([]),
    setLobby: nothing,
    admit: () => undefined,
    turnAway: nothing,
    startedAt: signal(Date.now() - 754_000),
    pictureQuality: signal('high'),
    setPictureQuality: () => undefined,
    setRecording: () => undefined,
    join: () => (phase.value = { at: 'joined' }),
    leave: () => (phase.value = { at: 'left', why: 'self' }),
    setName: () => undefined,
    setMicrophone: (on) => media.setMicrophone(on),
    setCamera: (on) => media.setCamera(on),
    chooseDevice: nothing,
    shareScreen: nothing,
    setHand: (up) => Object.assign(me.raisedHand, { value: up ? Date.now() : 0 }) && undefined,
    sendChat: (text) => (chat.value = [...chat.value, line(String(chat.value.length), me.id, 'Bridge deck', true, text, Date.now())]),
    reactToChat: () => undefined,
    retractChat: () => undefined,
    readingChat: () => undefined,
    show: () => undefined,
    dismiss: (id) => (notices.value = notices.value.filter((n) => n.id !== id)),
    mute: nothing,
    kick: nothing,
    grantModerator: nothing,
  };
}

function person(id: string, name: string, local: boolean, i: number): Participant {
  const silent = i % 3 === 1;
  return {
    id,
    local,
    name: signal(name),
    moderator: signal(false),
    audioMuted: signal(silent),
    videoMuted: signal(i % 4 === 3),
    sharing: signal(false),
    level: signal(silent ? 0 : 0.6),
    camera: signal(i % 4 === 3 ? null : portrait(i, 640, 360)),
    screen: signal(null),
    reach: signal(i === 5 ? 'interrupted' : 'good'),
    raisedHand: signal(i === 4 ? 1 : 0),
    quality: signal(i === 2 ? 30 : 100),
    recording: signal(false),
  };
}

function fakeMedia(options: FakeOptions): LocalMedia {
  const broken = options.problem !== undefined;
  const source = (kind: string): Source => ({
    state: signal<SourceState>(broken ? 'off' : 'on'),
    problem: signal(options.problem ?? null),
    devices: signal(broken ? [] : [{ id: 'default', label: `Built-in ${kind}` }, { id: 'x', label: `USB ${kind} (Jabra Evolve2 65)` }]),
    chosen: signal('default'),
  });
  const microphone = source('Microphone');
  const camera = source('Camera');
  const preview = signal(broken ? null : portrait(0, 640, 360));
  return {
    microphone,
    camera,
    screen: signal<SourceState>('off'),
    sharing: signal<'text' | 'motion'>('text'),
    sound: signal(null),
    onlyVoice: signal(false),
    background: signal('none'),
    effectFailed: signal(null),
    resolution: signal(720),
    heard: signal(0),
    news: signal(null),
    setSharing: () => Promise.resolve(),
    setBackground: () => Promise.resolve(),
    setResolution: () => Promise.resolve(),
    canShare: true,
    echoCancellation: signal(true),
    noiseSuppression: signal(true),
    setProcessing: () => Promise.resolve(),
    speakers: signal(broken ? [] : [{ id: 'default', label: 'Built-in Speakers' }]),
    speaker: signal('default'),
    level: signal(broken ? 0 : 0.42),
    preview,
    setMicrophone: (on) => set(microphone, on && !broken),
    setCamera: (on) => {
      preview.value = on && !broken ? portrait(0, 640, 360) : null;
      return set(camera, on && !broken);
    },
    choose: () => Promise.resolve(),
    refresh: () => Promise.resolve(),
    dispose: () => undefined,
  };
}

function set(source: Source, on: boolean): Promise<void> {
  Object.assign(source.state, { value: on ? 'on' : 'off' });
  return Promise.resolve();
}

function lines(others: readonly Participant[]): readonly ChatMessage[] {
  const at = Date.now() - 600_000;
  const [a, b] = others;
  return [
    line('1', a?.id ?? 'x', a?.name.value ?? '', false, 'Morning! Slides are at https://files.box.local/q4-review.pdf.', at),
    line('2', a?.id ?? 'x', a?.name.value ?? '', false, 'Page 7 is the one we argue about.', at + 20_000),
    line('3', 'a0000000', 'Bridge deck', true, 'Got it, thanks. I would start with the floor plan.', at + 120_000),
    line('4', b?.id ?? 'y', b?.name.value ?? '', false, 'Two minutes late, coffee machine 😅', at + 200_000),
    line('5', 'a0000000', 'Bridge deck', true, 'Bring one for me!', at + 230_000),
  ];
}

function line(id: string, from: string, name: string, own: boolean, text: string, time: number): ChatMessage {
  return { id, from, name, own, text, time, private: null, replyTo: '', reactions: [], retracted: false, delivery: 'sent' };
}

function slides(): MediaStream {
  const { canvas, context } = sheet(1280, 720);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, 1280, 720);
  context.fillStyle = '#176e54';
  context.fillRect(0, 0, 24, 720);
  context.fillStyle = '#1b2a26';
  context.font = '600 64px sans-serif';
  context.fillText('Q4 review', 96, 150);
  context.fillStyle = '#dfe8e4';
  [300, 420, 360, 500, 460].forEach((h, i) => context.fillRect(120 + i * 210, 660 - h, 130, h));
  return canvas.captureStream(5);
}

function sheet(width: number, height: number): { canvas: HTMLCanvasElement; context: CanvasRenderingContext2D } {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no 2d context');
  return { canvas, context };
}
