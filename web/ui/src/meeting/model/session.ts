// The media side of a meeting: the connection to the bridge the focus offered, and during a move the
// one before it, whose pictures stay until the new one delivers. Speaks Jingle through the functions
// it is given and knows nothing of rooms.

import { computed, effect, signal, untracked, type ReadonlySignal, type Signal } from '@preact/signals-core';

import type { Answer, Peer, PeerOptions, ReceivedTrack, Sending } from '../../rtc/peer.ts';
import { parseBridgeMessage, type BridgeMessage } from '../../xmpp/colibri.ts';
import { printAccept, printIceRestart, printSources, printTerminate, printTransportInfo, type Action, type Initiate, type Transport } from '../../xmpp/jingle.ts';
import type { MediaType, Source, SourceGroup, SourceSet } from '../../xmpp/sources.ts';
import type { Xml } from '../../xmpp/xml.ts';
import { applyMap, forget, noStreams, signal as signalled, streamsOf, unsignal, type StreamTable } from './streams.ts';
import type { RemoteAudio } from './types.ts';

/** Local tracks to send. */
export type LocalTracks = Readonly<Record<Sending, ReadonlySignal<MediaStreamTrack | null>>>;

export interface SessionOptions {
  readonly makePeer: (options: PeerOptions) => Peer;
  readonly tracks: LocalTracks;
  readonly simulcast: boolean;
  readonly preferSctp: boolean;
  /** The address by which this page may reach a bridge's WebSocket. */
  throughFront(url: string): string;
  iceServers(): readonly RTCIceServer[];
  /** Our endpoint id. */
  endpoint(): string;
  /** Our full JID. */
  jid(): string;
  /** Sends a Jingle request to the focus. */
  request(jingle: Xml): Promise<unknown>;
  onBridge(message: BridgeMessage): void;
  /** The channel to a bridge opened: it knows nothing of us yet. */
  onChannel(): void;
}

/** `none`: nobody to meet yet, or between two bridges. */
export type MediaState = 'none' | 'connecting' | 'connected' | 'interrupted';

export interface Session {
  readonly state: ReadonlySignal<MediaState>;
  readonly audio: ReadonlySignal<readonly RemoteAudio[]>;
  /** Receivers of voices with the endpoint they belong to. */
  voices(): Iterable<readonly [string, RTCRtpReceiver]>;
  /** The picture of the first of these sources that has one. */
  find(sources: readonly string[]): MediaStream | null;
  /** Handles a Jingle request of the focus; a string is the error condition to answer with. */
  handle(action: Action): string | null;
  /** Announces the shared screen, or withdraws it. */
  announceScreen(on: boolean): Promise<void>;
  sendToBridge(text: string): void;
  limit(source: string, maxHeight: number): void;
  /** What is shared is of another kind now. */
  tuneScreen(): void;
  leave(endpoint: string): void;
  /** The XMPP session is a new one: the next offer replaces what there is, which goes on until then. */
  detach(): void;
  /** The network is another one: looks for another way to the bridge. */
  reroute(): void;
  /** Nobody is left whose media could come back. */
  alone(): void;
  stats(): Promise<readonly RTCStatsReport[]>;
  close(): void;
}

interface Live {
  readonly initiate: Initiate;
  readonly peer: Peer;
  readonly streams: Signal<StreamTable>;
  readonly me: string;
  answer: Answer | undefined;
  dispose: () => void;
}

/** How long the former bridge's pictures may stand in for the new one's. */
const handover = 5_000;
/** Between two requests for a new session after a failed one. */
const restartPause = 6_000;

/** Nothing from the bridge for this long asks for another way; browsers notice after some seconds. */
const silence = 1_000;
/** Another way is found in this time, or there is a new session. */
const rerouteTime = 15_000;

const suffix: Readonly<Record<Sending, string>> = { microphone: 'a0', camera: 'v0', screen: 'v1' };

export function createSession(options: SessionOptions): Session {
  const current = signal<Live | null>(null);
  const former = signal<Live | null>(null);
  const streamCache = new WeakMap<MediaStreamTrack, MediaStream>();
  let formerTimer: ReturnType<typeof setTimeout> | undefined;
  let restartTimer: ReturnType<typeof setTimeout> | undefined;
  let silenceTimer: ReturnType<typeof setTimeout> | undefined;
  let rerouteTimer: ReturnType<typeof setTimeout> | undefined;

  const state = computed<MediaState>(() => {
    const live = current.value;
    if (!live) return former.value ? 'interrupted' : 'none';
    switch (live.peer.state.value) {
      case 'connected':
        return 'connected';
      case 'disconnected':
      case 'failed':
        return 'interrupted';
      default:
        return former.value ? 'interrupted' : 'connecting';
    }
  });

  function streamOf(track: MediaStreamTrack): MediaStream {
    let stream = streamCache.get(track);
    if (!stream) {
      stream = new MediaStream([track]);
      streamCache.set(track, stream);
    }
    return stream;
  }

  // Tracks turn "unmuted" when their first packet comes; a track is no signal, so this counts changes.
  const flowing = signal(0);
  function watch(track: MediaStreamTrack): void {
    if (streamCache.has(track)) return;
    streamOf(track);
    track.addEventListener('unmute', () => {
      flowing.value += 1;
    });
  }

  function located(live: Live | null): Map<string, ReceivedTrack> {
    const out = new Map<string, ReceivedTrack>();
    if (!live) return out;
    const received = live.peer.received.value;
    for (const s of streamsOf(live.streams.value, live.me)) {
      const track = s.source === '' ? undefined : received.get(s.ssrc);
      if (track) out.set(s.source, track);
    }
    return out;
  }
  const now = computed(() => located(current.value));
  const before = computed(() => located(former.value));

  function find(sources: readonly string[]): MediaStream | null {
    const here = sources.flatMap((source) => now.value.get(source) ?? []);
    const there = sources.flatMap((source) => before.value.get(source) ?? []);
    // While a bridge hands over, whatever flows is better than whatever will.
    const best = there.length === 0 ? here[0] : (flowing.value, [...here, ...there].find((t) => !t.track.muted) ?? there[0]);
    return best ? streamOf(best.track) : null;
  }

  const audio = computed<readonly RemoteAudio[]>(() => {
    const live = current.value;
    // Both at once would echo.
    const heard = live?.peer.state.value === 'connected' || !former.value ? live : former.value;
    if (!heard) return [];
    const received = heard.peer.received.value;
    return streamsOf(heard.streams.value, heard.me).flatMap((s) => {
      const got = s.media === 'audio' ? received.get(s.ssrc) : undefined;
      return got ? [{ id: `${heard.initiate.sid} ${s.ssrc}`, stream: streamOf(got.track) }] : [];
    });
  });

  function change(live: Live, next: (t: StreamTable) => StreamTable): void {
    live.streams.value = next(live.streams.peek());
  }

  function onMessage(live: Live, text: string): void {
    const message = parseBridgeMessage(text);
    if (!message || live !== current.peek()) return;
    if (message.kind === 'video-map') change(live, (t) => applyMap(t, 'video', message.mapped));
    else if (message.kind === 'audio-map') change(live, (t) => applyMap(t, 'audio', message.mapped));
    else options.onBridge(message);
  }

  function start(initiate: Initiate): void {
    demote();
    clearTimeout(restartTimer);
    endReroute();
    const me = options.endpoint();
    const streams = signal<StreamTable>(signalled(noStreams, initiate.sources));
    const peer = options.makePeer({
      offer: initiate.contents.map((c) => ({ ...c, transport: { ...c.transport, webSockets: c.transport.webSockets.map(options.throughFront) } })),
      iceServers: options.iceServers(),
      simulcast: options.simulcast,
      preferSctp: options.preferSctp,
      onMessage: (text) => onMessage(live, text),
    });
    const live: Live = { initiate, peer, streams, me, answer: undefined, dispose: () => undefined };
    current.value = live;
    const stops = [
      effect(() => peer.receive(streamsOf(streams.value, me).map(({ media, ssrc, rtx }) => ({ media, ssrc, rtx })))),
      effect(() => {
        for (const { track } of peer.received.value.values()) watch(track);
      }),
      effect(() => {
        if (peer.channel?.open.value) untracked(() => options.onChannel());
      }),
      effect(() => {
        const s = peer.state.value;
        untracked(() => {
          clearTimeout(silenceTimer);
          if (s === 'connected') retireFormerSoon();
          if (s === 'disconnected') silenceTimer = setTimeout(() => reroute(live), silence);
          if (s === 'failed' && rerouteTimer === undefined) restart(live);
        });
      }),
    ];
    live.dispose = () => {
      for (const stop of stops) stop();
      peer.close();
    };
    accept(live).catch(() => {
      // The focus did not take the answer, or the browser not the offer: ask for another one.
      if (current.peek() === live) restart(live);
    });
  }

  async function accept(live: Live): Promise<void> {
    const answer = await live.peer.answer();
    live.answer = answer;
    for (const what of ['microphone', 'camera', 'screen'] as const) {
      const previous = live.dispose;
      const stop = effect(() => void live.peer.send(what, options.tracks[what].value).catch(() => undefined));
      live.dispose = () => {
        stop();
        previous();
      };
    }
    const screen = options.tracks.screen.peek() ? [sourcesOf(live, 'screen')] : [];
    const sources = merge([sourcesOf(live, 'microphone'), sourcesOf(live, 'camera'), ...screen]);
    await options.request(printAccept(live.initiate, options.jid(), { contents: answer.contents, sources }));
  }

  function sourcesOf(live: Live, what: Sending): SourceSet {
    const media: MediaType = what === 'microphone' ? 'audio' : 'video';
    const name = `${live.me}-${suffix[what]}`;
    const sent = live.answer?.sent[what];
    return {
      sources: (sent?.ssrcs ?? []).map(
        (ssrc): Source => ({ media, ssrc, name, owner: live.me, msid: `${name} ${name}-${live.initiate.sid}`, screen: what === 'screen' }),
      ),
      groups: (sent?.groups ?? []).map((g): SourceGroup => ({ media, ...g })),
    };
  }

  function endReroute(): void {
    clearTimeout(rerouteTimer);
    rerouteTimer = undefined;
  }

  // The session stays, and with it everything but the way: media is back as soon as that is found.
  function reroute(live: Live): void {
    if (current.peek() !== live || !live.answer || rerouteTimer !== undefined) return;
    const orRestart = () => {
      endReroute();
      const { value } = live.peer.state;
      if (value === 'disconnected' || value === 'failed') restart(live);
    };
    rerouteTimer = setTimeout(orRestart, rerouteTime);
    options.request(printIceRestart(live.initiate)).catch(endReroute);
  }

  async function takeRoute(live: Live, transport: Transport, generation: string): Promise<void> {
    const contents = await live.peer.reroute(transport);
    await options.request(printTransportInfo(live.initiate, contents, generation));
  }

  // Our wish for a new session is a request like any other: it can be lost with the connection, be
  // refused because the focus is already making one, or meet a focus that is just starting.
  function restart(live: Live): void {
    clearTimeout(restartTimer);
    if (current.peek() !== live) return;
    options
      .request(printTerminate(live.initiate, 'connectivity-error', 'ICE FAILED', true))
      .catch(() => undefined)
      .finally(() => {
        restartTimer = setTimeout(() => restart(live), restartPause);
      });
  }

  /** The current session becomes the former one. */
  function demote(): void {
    const live = current.peek();
    if (!live) return;
    const old = former.peek();
    former.value = live;
    current.value = null;
    old?.dispose();
    clearTimeout(formerTimer);
  }

  function retireFormerSoon(): void {
    clearTimeout(formerTimer);
    formerTimer = setTimeout(retireFormer, handover);
  }

  function retireFormer(): void {
    clearTimeout(formerTimer);
    const old = former.peek();
    former.value = null;
    old?.dispose();
  }

  return {
    state,
    audio,
    find,
    *voices() {
      const live = untracked(() => current.value ?? former.value);
      if (!live) return;
      const received = live.peer.received.peek();
      for (const s of streamsOf(live.streams.peek(), live.me)) {
        const got = s.media === 'audio' && s.owner !== '' ? received.get(s.ssrc) : undefined;
        if (got) yield [s.owner, got.receiver] as const;
      }
    },
    handle(action) {
      const live = current.peek();
      if (action.action === 'session-initiate') {
        if (live?.initiate.sid === action.sid) return 'service-unavailable';
        if (action.contents.length === 0) return 'bad-request';
        start(action);
        return null;
      }
      if (!live || live.initiate.sid !== action.sid) return 'item-not-found';
      switch (action.action) {
        case 'source-add':
          change(live, (t) => signalled(t, action.sources));
          return null;
        case 'source-remove':
          change(live, (t) => unsignal(t, action.sources));
          return null;
        case 'session-terminate':
          demote();
          // After "moving" the next offer follows; after "expired" we are alone and nothing does.
          if (action.reason === 'expired') retireFormer();
          return null;
        case 'transport-info':
          // What goes wrong here shows in the state of the connection.
          if (live.answer && action.transport.ufrag !== '') void takeRoute(live, action.transport, action.generation).catch(() => undefined);
          return null;
        case 'session-info':
          return null;
        default:
          return 'bad-request';
      }
    },
    async announceScreen(on) {
      const live = current.peek();
      if (!live?.answer) return;
      await options.request(printSources(on ? 'source-add' : 'source-remove', live.initiate, sourcesOf(live, 'screen')));
    },
    sendToBridge(text) {
      current.peek()?.peer.channel?.send(text);
    },
    limit(source, maxHeight) {
      const live = current.peek();
      if (source === `${live?.me}-${suffix.camera}`) live?.peer.limit('camera', maxHeight);
      if (source === `${live?.me}-${suffix.screen}`) live?.peer.limit('screen', maxHeight);
    },
    tuneScreen() {
      void current.peek()?.peer.send('screen', options.tracks.screen.peek()).catch(() => undefined);
    },
    leave(endpoint) {
      for (const live of [current.peek(), former.peek()]) if (live) change(live, (t) => forget(t, endpoint));
    },
    detach: demote,
    reroute() {
      const live = current.peek();
      if (live) reroute(live);
    },
    alone: retireFormer,
    async stats() {
      const lives = [current.peek(), former.peek()].filter((l): l is Live => l !== null);
      return Promise.all(lives.map((l) => l.peer.stats()));
    },
    close() {
      clearTimeout(restartTimer);
      clearTimeout(silenceTimer);
      endReroute();
      demote();
      retireFormer();
    },
  };
}

function merge(sets: readonly SourceSet[]): SourceSet {
  return { sources: sets.flatMap((s) => s.sources), groups: sets.flatMap((s) => s.groups) };
}

