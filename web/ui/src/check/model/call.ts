// A real call through the real bridge: two participants in this page, who send each other picture and
// sound for some seconds, as people in a meeting do. Loaded when the check begins.

import { readConfig } from '../../config/config.ts';
import { createMeeting } from '../../meeting/model/meeting.ts';
import type { Meeting } from '../../meeting/model/types.ts';
import { createDevices } from '../../rtc/devices.ts';
import { createPeer, type Peer } from '../../rtc/peer.ts';
import { createConnection } from '../../xmpp/connection.ts';
import { parseBridgeMessage, printEndpointMessage } from '../../xmpp/colibri.ts';
import type { Box } from './network.ts';
import type { Result } from './probe.ts';
import { judge, type Measured } from './quality.ts';

export interface CallResult {
  readonly call: Result;
  readonly channel: Result;
  readonly media: Result;
}

const joinTime = 20_000;
const measureTime = 5000;
const pings = 5;

const none: CallResult = {
  call: { outcome: 'bad', code: 'K09' },
  channel: { outcome: 'skipped', code: 'D05' },
  media: { outcome: 'skipped', code: 'M05' },
};

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });

/** How long the box takes, asked again and again; false when it took too long. */
async function until(holds: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end; await pause(50)) if (await holds()) return true;
  return false;
}

function hex(digits: number): string {
  return [...crypto.getRandomValues(new Uint8Array(digits / 2))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** A picture that is as hard to compress as a camera's, and a tone. */
function scenery() {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [640, 360];
  const paint = canvas.getContext('2d');
  const draw = () => {
    if (!paint) return;
    for (let i = 0; i < 60; i++) {
      paint.fillStyle = `hsl(${Math.random() * 360} 60% ${20 + Math.random() * 60}%)`;
      paint.fillRect(Math.random() * 640, Math.random() * 360, 90, 60);
    }
  };
  draw();
  const timer = setInterval(draw, 33);
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 330 });
  const out = context.createMediaStreamDestination();
  tone.connect(new GainNode(context, { gain: 0.1 })).connect(out);
  tone.start();
  void context.resume().catch(() => undefined);
  const video = canvas.captureStream(30);
  return {
    /** In place of the browser's devices. */
    media: Object.assign(new EventTarget(), {
      getUserMedia: (c: MediaStreamConstraints) => Promise.resolve((c.video ? video : out.stream).clone()),
      enumerateDevices: () => Promise.resolve([]),
    }) as unknown as MediaDevices,
    end: () => {
      clearInterval(timer);
      for (const stream of [video, out.stream]) for (const track of stream.getTracks()) track.stop();
      void context.close().catch(() => undefined);
    },
  };
}

interface Side {
  readonly meeting: Meeting & { readonly inside: { readonly endpoint: () => string; readonly stats: () => Promise<readonly RTCStatsReport[]> } };
  readonly peer: () => Peer | null;
  readonly pongs: number[];
}

function side(box: Box, media: MediaDevices): Side {
  const config = readConfig(window.config, location.origin, `?jwt=${box.token}`);
  let last: Peer | null = null;
  const pongs: number[] = [];
  const makePeer: typeof createPeer = (options) => {
    last = createPeer({
      ...options,
      onMessage: (text) => {
        const message = parseBridgeMessage(text);
        if (message?.kind === 'endpoint-message') {
          const { ping, pong } = message.payload as { ping?: number; pong?: number };
          if (ping !== undefined) last?.channel?.send(printEndpointMessage(message.from, { pong: ping }));
          if (pong !== undefined) pongs.push(performance.now() - pong);
        }
        options.onMessage(text);
      },
    });
    return last;
  };
  const meeting = createMeeting({
    room: box.room,
    config,
    devices: createDevices({ media, resolution: 360, meter: () => ({ stop: () => undefined }) }),
    codecs: ['vp8'],
    connect: createConnection,
    makePeer,
    online: () => navigator.onLine,
    fetch: (...args) => fetch(...args),
    statsId: `check-${hex(8)}`,
    machineUid: hex(32),
    newId: () => hex(32),
    // Chat and the like are for people.
    loadTogether: () => new Promise(() => undefined),
  });
  return { meeting, peer: () => last, pongs };
}

interface Counted {
  readonly at: number;
  readonly packets: number;
  readonly lost: number;
  readonly jitter: number;
  readonly roundTrip: number;
  readonly bytes: number;
  readonly frames: number;
  /** How the media goes: "host/udp", "relay/tcp". */
  readonly path: string;
}

async function count(s: Side): Promise<Counted> {
  let [packets, lost, jitter, roundTrip, bytes, frames, path] = [0, 0, 0, 0, 0, 0, ''];
  for (const report of await s.meeting.inside.stats()) {
    const entries = [...report.values()] as Record<string, unknown>[];
    const byId = new Map(entries.map((e) => [e['id'], e]));
    for (const e of entries) {
      const of = (key: string) => (typeof e[key] === 'number' ? e[key] : 0);
      if (e['type'] === 'inbound-rtp') {
        packets += of('packetsReceived');
        lost += Math.max(0, of('packetsLost'));
        jitter = Math.max(jitter, of('jitter'));
        bytes += of('bytesReceived');
        frames += of('framesReceived') || of('framesDecoded');
      }
      if (e['type'] === 'candidate-pair' && e['state'] === 'succeeded' && e['nominated'] === true) {
        roundTrip = Math.max(roundTrip, of('currentRoundTripTime'));
        const local = byId.get(e['localCandidateId']);
        path = `${String(local?.['candidateType'])}/${String(local?.['relayProtocol'] ?? local?.['protocol'])}`;
      }
    }
  }
  return { at: performance.now(), packets, lost, jitter, roundTrip, bytes, frames, path };
}

/** What one direction did between two looks. */
function between(a: Counted, b: Counted): Measured {
  return {
    seconds: (b.at - a.at) / 1000,
    packets: b.packets - a.packets,
    lost: Math.max(0, b.lost - a.lost),
    jitter: b.jitter,
    roundTrip: b.roundTrip,
    bits: (b.bytes - a.bytes) * 8,
    frames: b.frames - a.frames,
  };
}

function worse(a: Measured, b: Measured): Measured {
  const loss = (m: Measured) => m.lost / Math.max(1, m.lost + m.packets);
  const lossy = loss(a) > loss(b) ? a : b;
  return {
    ...lossy,
    jitter: Math.max(a.jitter, b.jitter),
    roundTrip: Math.max(a.roundTrip, b.roundTrip),
    bits: a.bits + b.bits,
    frames: Math.min(a.frames, b.frames),
  };
}

function reached(path: string, took: number): Result {
  const detail = `${path}, ${Math.round(took)} ms`;
  if (path.endsWith('/udp') && !path.startsWith('relay')) return { outcome: 'good', code: 'K00', detail };
  return { outcome: 'warn', code: 'K01', detail };
}

async function talk(from: Side, to: Side): Promise<Result> {
  const channel = from.peer()?.channel;
  if (!channel) return { outcome: 'warn', code: 'D01', detail: 'none offered' };
  for (let i = 0; i < pings; i++) {
    const have = from.pongs.length;
    channel.send(printEndpointMessage(to.meeting.inside.endpoint(), { ping: performance.now() }));
    await until(() => from.pongs.length > have, 1000);
  }
  const best = Math.round(Math.min(...from.pongs));
  const detail = `${from.pongs.length} of ${pings}, ${best} ms`;
  return from.pongs.length === 0 ? { outcome: 'warn', code: 'D01', detail: 'no answer' } : { outcome: 'good', code: 'D00', detail, values: { rtt: best } };
}

export async function tryCall(box: Box): Promise<CallResult> {
  const scene = scenery();
  const both = [side(box, scene.media), side(box, scene.media)] as const;
  const [one, two] = both;
  const begun = performance.now();
  try {
    for (const s of both) {
      await Promise.all([s.meeting.setMicrophone(true), s.meeting.setCamera(true)]);
      s.meeting.join('');
    }
    const where = () => both.map((s) => s.meeting.phase.peek()).map((p) => ('why' in p ? `${p.at} (${p.why})` : p.at));
    if (!(await until(() => both.every((s) => s.meeting.phase.peek().at === 'joined'), joinTime))) return { ...none, call: { outcome: 'bad', code: 'K02', detail: where().join(', ') } };
    const connected = () => both.every((s) => s.peer()?.state.peek() === 'connected');
    if (!(await until(connected, joinTime))) return { ...none, call: { ...none.call, detail: both.map((s) => s.peer()?.state.peek() ?? 'no session').join(', ') } };
    const took = performance.now() - begun;
    for (const [s, other] of [both, [two, one]] as const) {
      const id = () => s.meeting.participants.peek().find((p) => !p.local)?.id;
      await until(() => id() !== undefined, 3000);
      s.meeting.show([{ participant: id() ?? other.meeting.inside.endpoint(), picture: 'camera', height: 360 }]);
    }
    const flowing = await until(async () => (await Promise.all(both.map(count))).every((c) => c.frames > 0), 8000);
    const before = await Promise.all(both.map(count));
    const call = reached(before[0]?.path ?? '', took);
    const channel = await talk(one, two);
    if (!flowing) return { call, channel, media: { outcome: 'bad', code: 'M09', detail: 'no picture came' } };
    await pause(Math.max(0, measureTime - (performance.now() - (before[0]?.at ?? 0))));
    const after = await Promise.all(both.map(count));
    const [there, back] = both.map((_, i) => between(before[i] as Counted, after[i] as Counted)) as [Measured, Measured];
    return { call, channel, media: judge(worse(there, back)) };
  } finally {
    for (const s of both) s.meeting.leave();
    scene.end();
  }
}
