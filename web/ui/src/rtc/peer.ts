// One connection to a bridge: made from its offer, it answers, sends up to three local tracks, and
// receives whatever remote streams it is told of. The SSRCs we send exist from the answer on, with
// or without a track, so switching a microphone or camera needs neither negotiation nor signalling.
//
// All negotiation is local: a remote stream to be received is an m-line added to the bridge's offer,
// which is then applied again. Requests that arrive while one is under way are done together.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import { dataChannel, dataChannelLabel, dataChannelProtocol, webSocketChannel, type Channel } from './channel.ts';
import { encodingsFor, layersSent, scales, screenBitrate } from './encodings.ts';
import {
  makeLayers,
  mungeLayers,
  parseContent,
  parseSections,
  parseSent,
  printOffer,
  type Content,
  type Layers,
  type Line,
  type SentSources,
  type Transport,
} from './sdp.ts';

/** The three things we can send. */
export type Sending = 'microphone' | 'camera' | 'screen';

/** A stream of the bridge's. */
export interface RemoteStream {
  readonly media: 'audio' | 'video';
  readonly ssrc: number;
  /** SSRC of its retransmissions, 0 for none. */
  readonly rtx: number;
}

export interface ReceivedTrack {
  readonly track: MediaStreamTrack;
  readonly receiver: RTCRtpReceiver;
}

export interface Answer {
  /** What the bridge offered, as far as we take part. */
  readonly contents: readonly Content[];
  readonly sent: Readonly<Record<Sending, SentSources>>;
}

export interface PeerOptions {
  readonly offer: readonly Content[];
  readonly iceServers: readonly RTCIceServer[];
  readonly simulcast: boolean;
  readonly preferSctp: boolean;
  onMessage(text: string): void;
}

export interface Peer {
  readonly state: ReadonlySignal<RTCPeerConnectionState>;
  /** Null when the bridge offered none. */
  readonly channel: Channel | null;
  /** Tracks of the streams given to receive(), by SSRC. */
  readonly received: ReadonlySignal<ReadonlyMap<number, ReceivedTrack>>;
  answer(): Promise<Answer>;
  /** Takes another way to the bridge (its new transport); resolves with our end of it. */
  reroute(transport: Transport): Promise<readonly Content[]>;
  /** The streams to receive from now on, all of them. */
  receive(streams: readonly RemoteStream[]): void;
  send(what: Sending, track: MediaStreamTrack | null): Promise<void>;
  /** The biggest picture anybody needs; -1 is no limit, 0 is nobody. */
  limit(what: 'camera' | 'screen', maxHeight: number): void;
  stats(): Promise<RTCStatsReport>;
  close(): void;
}

const mids: Readonly<Record<Sending, string>> = { microphone: '0', camera: '1', screen: '2' };
const dataMid = '3';

/**
 * COMPAT(firefox): takes no SSRCs from a description, but says which ones it will use for the layers
 * that an offer asks for by rid. The other engines do not say, and take ours.
 */
const sendsByRid = navigator.userAgent.includes('Firefox/');

export function createPeer(options: PeerOptions): Peer {
  let { offer } = options;
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: [...options.iceServers] });
  const state = signal<RTCPeerConnectionState>(pc.connectionState);
  const received = signal<ReadonlyMap<number, ReceivedTrack>>(new Map());
  const limits = { camera: -1, screen: -1 };
  let lines: Line[] = firstLines(offer, options);
  let wanted: readonly RemoteStream[] = [];
  let version = 0;
  let layers: Layers | undefined;
  let negotiating: Promise<void> | undefined;
  let answered = false;
  let closed = false;

  pc.onconnectionstatechange = () => {
    if (!closed) state.value = pc.connectionState;
  };

  const channel = openChannel();

  function openChannel(): Channel | null {
    if (lines.some((l) => l.media === 'application')) {
      // Both sides must have it before the answer, or the browser would leave the m-line out.
      return dataChannel(pc.createDataChannel(dataChannelLabel, { protocol: dataChannelProtocol }), options.onMessage);
    }
    const url = offer.flatMap((c) => c.transport.webSockets)[0];
    return url === undefined ? null : webSocketChannel(url, options.onMessage);
  }

  function transceiver(mid: string): RTCRtpTransceiver | undefined {
    return pc.getTransceivers().find((t) => t.mid === mid);
  }

  async function apply(): Promise<void> {
    await pc.setRemoteDescription({ type: 'offer', sdp: printOffer(offer, lines, ++version) });
    for (const mid of Object.values(mids)) {
      const t = transceiver(mid);
      if (t && t.direction !== 'sendonly') t.direction = 'sendonly';
    }
    const created = await pc.createAnswer();
    await pc.setLocalDescription({ type: 'answer', sdp: munge(created.sdp ?? '') });
  }

  function munge(sdp: string): string {
    if (!options.simulcast || sendsByRid) return sdp;
    const section = parseSections(sdp).find((s) => s.mid === mids.camera);
    if (!section) return sdp;
    const sent = parseSent(section);
    if (sent.ssrcs.length > 2) return sdp;
    layers ??= makeLayers(sent, scales.length, Math.random);
    return layers ? mungeLayers(sdp, mids.camera, layers) : sdp;
  }

  function wantedLines(): Line[] {
    const left = new Map(wanted.map((s) => [s.ssrc, s]));
    const next = lines.map((line): Line => {
      if (line.direction !== 'sendonly' || !line.source) return line;
      const stream = left.get(line.source.ssrc);
      if (stream && stream.rtx === line.source.rtx) {
        left.delete(stream.ssrc);
        return line;
      }
      return { mid: line.mid, media: line.media, direction: 'inactive' };
    });
    for (const stream of left.values()) {
      const source = { ssrc: stream.ssrc, rtx: stream.rtx, label: `remote-${stream.media}-${stream.ssrc}` };
      // A line freed in an earlier round may be used again; one freed in this round not, so that the
      // browser sees the old stream end.
      const free = next.findIndex((l, i) => l.media === stream.media && l.direction === 'inactive' && lines[i]?.direction === 'inactive');
      if (free >= 0) next[free] = { mid: next[free]?.mid ?? '', media: stream.media, direction: 'sendonly', source };
      else next.push({ mid: String(next.length + 4), media: stream.media, direction: 'sendonly', source });
    }
    return next;
  }

  function publish(): void {
    const now = new Map<number, ReceivedTrack>();
    for (const line of lines) {
      const t = line.direction === 'sendonly' && line.source ? transceiver(line.mid) : undefined;
      if (t && line.source) now.set(line.source.ssrc, { track: t.receiver.track, receiver: t.receiver });
    }
    received.value = now;
  }

  async function negotiate(): Promise<void> {
    while (!closed) {
      const next = wantedLines();
      if (next.length === lines.length && next.every((l, i) => l === lines[i])) return;
      lines = next;
      await apply();
      publish();
    }
  }

  /** Resolves when our addresses are known, or after a second: the bridge learns late ones by itself. */
  function gathered(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000);
      const look = () => {
        if (pc.iceGatheringState !== 'complete') return;
        clearTimeout(timer);
        resolve();
      };
      pc.addEventListener('icegatheringstatechange', look);
      look();
    });
  }

  function contents(): Content[] {
    const sections = parseSections(pc.localDescription?.sdp ?? '');
    return offer.flatMap((c) => {
      const mid = c.media === 'audio' ? mids.microphone : c.media === 'video' ? mids.camera : dataMid;
      const section = sections.find((s) => s.mid === mid);
      return section ? [parseContent(section, c.name)] : [];
    });
  }

  function renegotiate(first: () => Promise<void> = () => Promise.resolve()): void {
    if (!answered || negotiating) return;
    negotiating = first()
      .then(negotiate)
      .catch((err: unknown) => {
        // Closing ends what is under way; anything else is a description of ours the browser refuses.
        if (!closed) throw err;
      })
      .finally(() => {
        negotiating = undefined;
      });
  }

  // setParameters must follow getParameters with nothing in between, so one sender at a time.
  let tuning: Promise<void> = Promise.resolve();
  function tune(what: 'camera' | 'screen'): void {
    tuning = tuning.then(async () => {
      const sender = transceiver(mids[what])?.sender;
      const track = sender?.track;
      if (!sender || !track || closed) return;
      const parameters = sender.getParameters();
      if (parameters.encodings.length === 0) return;
      if (what === 'camera') {
        const { width = 1280, height = 720 } = track.getSettings();
        const { length } = parameters.encodings;
        const sent = sendsByRid ? length : layersSent({ width, height }, length);
        const encodings = encodingsFor({ width, height }, length, limits.camera, sent);
        parameters.encodings.forEach((e, i) => Object.assign(e, encodings[i]));
      } else {
        parameters.degradationPreference = track.contentHint === 'motion' ? 'maintain-framerate' : 'maintain-resolution';
        for (const e of parameters.encodings) Object.assign(e, { active: limits.screen !== 0, maxBitrate: screenBitrate });
      }
      // Refused when the sender was stopped meanwhile; the next change tries again.
      await sender.setParameters(parameters).catch(() => undefined);
    });
  }

  return {
    state,
    channel,
    received,
    async answer() {
      await apply();
      answered = true;
      const sections = parseSections(pc.localDescription?.sdp ?? '');
      const sent = (what: Sending): SentSources => {
        const section = sections.find((s) => s.mid === mids[what]);
        return section ? parseSent(section) : { ssrcs: [], groups: [] };
      };
      const accepted = contents();
      renegotiate();
      return { contents: accepted, sent: { microphone: sent('microphone'), camera: sent('camera'), screen: sent('screen') } };
    },
    async reroute(transport) {
      while (negotiating) await negotiating;
      // Fingerprint, SCTP and WebSockets stay: only ICE begins again.
      offer = offer.map((c) => ({
        ...c,
        transport: { ...c.transport, ufrag: transport.ufrag, pwd: transport.pwd, candidates: transport.candidates },
      }));
      await new Promise<void>((resolve, reject) => {
        renegotiate(() => apply().then(resolve, reject));
      });
      await gathered();
      return contents();
    },
    receive(streams) {
      wanted = streams;
      renegotiate();
    },
    async send(what, track) {
      await transceiver(mids[what])?.sender.replaceTrack(track);
      if (track && what !== 'microphone') tune(what);
    },
    limit(what, maxHeight) {
      if (limits[what] === maxHeight) return;
      limits[what] = maxHeight;
      tune(what);
    },
    stats: () => pc.getStats(),
    close() {
      closed = true;
      channel?.close();
      pc.close();
      state.value = 'closed';
      received.value = new Map();
    },
  };
}

/** Microphone, camera, screen, bridge channel: always in this order, as far as they are offered. */
function firstLines(offer: readonly Content[], { preferSctp, simulcast }: Pick<PeerOptions, 'preferSctp' | 'simulcast'>): Line[] {
  const has = (media: Content['media']) => offer.some((c) => c.media === media);
  const lines: Line[] = [];
  if (has('audio')) lines.push({ mid: mids.microphone, media: 'audio', direction: 'recvonly' });
  if (has('video')) {
    const rids = simulcast && sendsByRid ? { rids: scales.map((_, i) => String(i + 1)) } : {};
    lines.push({ mid: mids.camera, media: 'video', direction: 'recvonly', ...rids }, { mid: mids.screen, media: 'video', direction: 'recvonly' });
  }
  const sockets = offer.some((c) => c.transport.webSockets.length > 0);
  if (offer.some((c) => c.media === 'application' && c.transport.sctpPort > 0) && (preferSctp || !sockets)) {
    lines.push({ mid: dataMid, media: 'application', direction: 'inactive' });
  }
  return lines;
}
