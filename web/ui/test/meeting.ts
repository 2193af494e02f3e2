// A meeting on a fake connection and fake bridges, for tests of the model in Node.

import { signal, type Signal } from '@preact/signals-core';

import type { Config } from '../src/config/config.ts';
import { createMeeting } from '../src/meeting/model/meeting.ts';
import type { LocalDevices } from '../src/rtc/devices.ts';
import type { Peer, PeerOptions, ReceivedTrack, RemoteStream } from '../src/rtc/peer.ts';
import { Disconnected, type Connection, type Link, type Options } from '../src/xmpp/connection.ts';
import { ns } from '../src/xmpp/ns.ts';
import { parseError } from '../src/xmpp/stanza.ts';
import { child, el, elements, type Xml } from '../src/xmpp/xml.ts';

export const room = 'demo@muc.meet.example';

export class FakeTrack extends EventTarget {
  muted = true;
  readonly id: string;
  constructor(id: string) {
    super();
    this.id = id;
  }
  flow(): void {
    this.muted = false;
    this.dispatchEvent(new Event('unmute'));
  }
}

/** Stands for MediaStream; install with vi.stubGlobal. */
export class FakeStream {
  readonly tracks: readonly FakeTrack[];
  constructor(tracks: readonly FakeTrack[]) {
    this.tracks = tracks;
  }
  getTracks(): readonly FakeTrack[] {
    return this.tracks;
  }
}

export class FakeConnection implements Connection {
  readonly link = signal<Link>('idle');
  readonly options: Options;
  jid = '';
  readonly sent: Xml[] = [];
  #pending = new Map<string, { resolve(x: Xml): void; reject(e: Error): void }>();
  #next = 0;
  closed = false;
  /** Messages that the next fresh session is told of. */
  lost: readonly Xml[] = [];

  constructor(options: Options) {
    this.options = options;
  }

  connect(): void {
    this.link.value = 'connecting';
  }
  retryNow(): void {}
  send(stanza: Xml): void {
    this.sent.push(stanza);
  }
  iq(stanza: Xml): Promise<Xml> {
    const id = `m${++this.#next}`;
    this.sent.push({ ...stanza, attrs: { ...stanza.attrs, id } });
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }
  close(...last: readonly Xml[]): void {
    this.sent.push(...last);
    this.closed = true;
    this.link.value = 'closed';
  }

  /** A new session with that endpoint id. */
  online(endpoint: string): void {
    for (const p of this.#pending.values()) p.reject(new Disconnected());
    this.#pending.clear();
    this.jid = `${endpoint}-0000-4000-8000-000000000001@meet.example/r`;
    this.link.value = 'online';
    this.options.handlers.online(true, this.lost);
  }
  resumed(): void {
    this.link.value = 'online';
    this.options.handlers.online(false, []);
  }

  /** Answers the latest request whose payload has that name. */
  answer(payload: string, ...children: readonly Xml[]): void {
    this.#settle(payload, (p, x) => p.resolve(el('iq', '', { type: 'result', id: x.attrs['id'] }, ...children)));
  }
  refuse(payload: string, condition: string): void {
    const error = el('iq', '', { type: 'error' }, el('error', '', { type: 'cancel' }, el(condition, ns.stanzas)));
    this.#settle(payload, (p) => p.reject(parseError(error)));
  }
  #settle(payload: string, how: (p: { resolve(x: Xml): void; reject(e: Error): void }, x: Xml) => void): void {
    const x = this.sent.findLast((s) => s.name === 'iq' && this.#pending.has(s.attrs['id'] ?? '') && child(s, payload));
    const id = x?.attrs['id'] ?? '';
    const p = this.#pending.get(id);
    if (!x || !p) throw new Error(`nobody asks for ${payload}`);
    this.#pending.delete(id);
    how(p, x);
  }

  presence(nick: string, attrs: Readonly<Record<string, string>>, ...more: readonly Xml[]): void {
    const { code, type, ...item } = attrs;
    this.options.handlers.presence(
      el(
        'presence',
        '',
        { from: `${room}/${nick}`, type },
        ...more,
        el('x', ns.mucUser, {}, el('item', ns.mucUser, { affiliation: 'none', role: 'participant', jid: `${nick}@meet.example/r`, ...item }), code === undefined ? null : el('status', ns.mucUser, { code })),
      ),
    );
  }
  refuseJoin(nick: string, condition: string, ...extra: readonly Xml[]): void {
    const error = el('error', '', { type: 'auth' }, el(condition, ns.stanzas), ...extra);
    this.options.handlers.presence(el('presence', '', { from: `${room}/${nick}`, type: 'error' }, error));
  }
  member(nick: string, name: string, sources: object = {}, statsId = `stats-${nick}`): void {
    this.presence(nick, {}, el('stats-id', '', {}, statsId), el('nick', ns.nick, {}, name), el('SourceInfo', '', {}, JSON.stringify(sources)));
  }
  request(payload: Xml, from = `${room}/focus`): Xml | undefined {
    return this.options.handlers.request(el('iq', '', { type: 'set', id: 'f1', from }, payload));
  }
  chat(nick: string, text: string, id: string, type = 'groupchat'): void {
    this.options.handlers.message(el('message', '', { from: `${room}/${nick}`, type, id }, el('body', '', {}, text)));
  }
  /** Names of what was sent, with payload. */
  names(): string[] {
    return this.sent.map((s) => (s.name === 'iq' ? `iq ${elements(s)[0]?.name ?? ''}` : s.name));
  }
}

export class FakePeer implements Peer {
  readonly state: Signal<RTCPeerConnectionState> = signal<RTCPeerConnectionState>('new');
  readonly received: Signal<ReadonlyMap<number, ReceivedTrack>> = signal<ReadonlyMap<number, ReceivedTrack>>(new Map());
  readonly open = signal(false);
  readonly messages: string[] = [];
  readonly tracks = new Map<number, FakeTrack>();
  readonly limits: [string, number][] = [];
  readonly sending: Record<string, unknown> = {};
  readonly options: PeerOptions;
  closed = false;
  readonly channel = {
    open: this.open,
    send: (text: string) => void this.messages.push(text),
    close: () => undefined,
  };

  constructor(options: PeerOptions) {
    this.options = options;
  }
  async answer() {
    return {
      contents: [],
      sent: { microphone: { ssrcs: [1], groups: [] }, camera: { ssrcs: [2], groups: [] }, screen: { ssrcs: [3], groups: [] } },
    };
  }
  readonly routes: string[] = [];
  async reroute(transport: { readonly ufrag: string }) {
    this.routes.push(transport.ufrag);
    return [{ name: 'audio', media: 'audio' as const, codecs: [], extensions: [], extmapAllowMixed: true, transport: { ufrag: 'ours', pwd: 'secret', fingerprints: [], candidates: [], sctpPort: 0, webSockets: [] } }];
  }
  receive(streams: readonly RemoteStream[]): void {
    const now = new Map<number, ReceivedTrack>();
    for (const s of streams) {
      const track = this.tracks.get(s.ssrc) ?? new FakeTrack(`track ${s.ssrc}`);
      this.tracks.set(s.ssrc, track);
      now.set(s.ssrc, { track, receiver: { getSynchronizationSources: () => [] } } as unknown as ReceivedTrack);
    }
    this.received.value = now;
  }
  async send(what: string, track: unknown): Promise<void> {
    this.sending[what] = track;
  }
  limit(what: 'camera' | 'screen', maxHeight: number): void {
    this.limits.push([what, maxHeight]);
  }
  async stats(): Promise<RTCStatsReport> {
    return new Map() as unknown as RTCStatsReport;
  }
  close(): void {
    this.closed = true;
  }
  /** A message of the bridge. */
  say(message: object): void {
    this.options.onMessage(JSON.stringify(message));
  }
}

function fakeDevices() {
  const source = () => ({
    state: signal<'off' | 'pending' | 'on'>('off'),
    problem: signal(null),
    devices: signal([]),
    chosen: signal(''),
    track: signal<MediaStreamTrack | null>(null),
  });
  const microphone = source();
  const camera = source();
  const screenTrack = signal<MediaStreamTrack | null>(null);
  const screen = signal<'off' | 'pending' | 'on'>('off');
  const set = (s: ReturnType<typeof source>, name: string) => async (on: boolean) => {
    s.state.value = on ? 'on' : 'off';
    s.track.value = on ? (new FakeTrack(name) as unknown as MediaStreamTrack) : null;
  };
  return {
    microphone,
    camera,
    screen,
    screenTrack,
    sound: microphone.track,
    sharing: signal<'text' | 'motion'>('text'),
    onlyVoice: signal(false),
    background: signal('none'),
    effectFailed: signal(null),
    resolution: signal(720),
    heard: signal(0),
    news: signal(null),
    setSharing: async () => undefined,
    setBackground: async () => undefined,
    setResolution: async () => undefined,
    canShare: true,
    echoCancellation: signal(true),
    noiseSuppression: signal(true),
    setProcessing: async () => undefined,
    speakers: signal([]),
    speaker: signal(''),
    level: signal(0),
    preview: signal(null),
    screenPreview: signal(null),
    setMicrophone: set(microphone, 'microphone'),
    silence: () => set(microphone, 'microphone')(false),
    setCamera: set(camera, 'camera'),
    setScreen: async (on: boolean) => {
      screenTrack.value = on ? (new FakeTrack('screen') as unknown as MediaStreamTrack) : null;
      screen.value = on ? 'on' : 'off';
      return true;
    },
    choose: async () => undefined,
    refresh: async () => undefined,
    dispose: () => undefined,
  } satisfies LocalDevices;
}

export const config: Config = {
  domain: 'meet.example',
  login: 'meet.example',
  token: '',
  muc: 'muc.meet.example',
  focus: 'focus.meet.example',
  websocket: 'wss://box.example/xmpp-websocket',
  bosh: 'https://box.example/http-bind',
  hostUrl: '',
  conferenceRequestUrl: '',
  ssrcRewriting: true,
  preferSctp: true,
  startMuted: { audio: false, video: false },
  lastN: -1,
  simulcast: true,
  resolution: 720,
  boards: '',
    frames: [],
};

export function setUp(more: Partial<Config> = {}) {
  const peers: FakePeer[] = [];
  const devices = fakeDevices();
  let connection: FakeConnection | undefined;
  let ids = 0;
  const meeting = createMeeting({
    room: 'demo',
    config: { ...config, ...more },
    devices,
    codecs: ['vp8'],
    connect: (options) => (connection = new FakeConnection(options)),
    makePeer: (options) => {
      const peer = new FakePeer(options);
      peers.push(peer);
      return peer;
    },
    fetch: () => Promise.reject(new Error('no network here')),
    online: () => true,
    statsId: 'stats-me',
    machineUid: '0'.repeat(32),
    newId: () => `id${++ids}`,
    loadTogether: () => import('../src/meeting/model/together/together.ts'),
  });
  if (!connection) throw new Error('no connection was made');
  return { meeting, devices, peers, connection };
}

/** The usual way in, up to our own presence. */
export async function enter(s: ReturnType<typeof setUp>, endpoint = 'aaaaaaaa', others: () => void = () => undefined, refused = ''): Promise<void> {
  const { connection } = s;
  connection.online(endpoint);
  const until = async (condition: () => boolean) => {
    // Hashes are made on other threads, which a busy machine keeps waiting.
    for (const end = performance.now() + 10_000; !condition() && performance.now() < end;) await new Promise((resolve) => setImmediate(resolve));
    if (!condition()) throw new Error(`stuck after ${connection.names().join(', ')}`);
  };
  const before = connection.sent.length;
  const sentSince = (name: string) => connection.names().slice(before - 1).includes(name);
  await until(() => sentSince('iq conference') || connection.names().at(-1) === 'iq conference');
  connection.answer('conference', el('conference', ns.focus, { ready: 'true', focusjid: 'focus@auth.meet.example' }));
  await until(() => connection.sent.slice(before).some((x) => x.name === 'presence' && child(x, 'x', ns.muc) !== undefined));
  if (refused !== '') {
    connection.refuseJoin(endpoint, refused);
    return;
  }
  connection.presence('focus', { jid: 'focus@auth.meet.example/focus', affiliation: 'owner', role: 'moderator' });
  others();
  connection.presence(endpoint, { code: '110' });
}
