// What can be tried before there is a call: the way to the box, its names, its clock, its doors.

import type { Result } from './probe.ts';

/** What the box says of itself: GET /check/box.json. */
export interface Box {
  readonly now: string;
  readonly names: readonly string[];
  readonly you: string;
  readonly stun: number;
  readonly room: string;
  readonly token: string;
  readonly turn: { readonly port: number; readonly username: string; readonly credential: string };
}

const worker = '/check-sw.js';
const patience = 5000;
/** More than this, and certificates are not believed. */
const mostSkew = 2 * 60_000;

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer after ${ms / 1000} s`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export async function askBox(): Promise<{ readonly box: Box; readonly skew: number }> {
  const asked = Date.now();
  const answer = await within(patience, fetch('/check/box.json', { cache: 'no-store' }));
  if (!answer.ok) throw new Error(`box.json: ${answer.status}`);
  const box = (await answer.json()) as Box;
  return { box, skew: (asked + Date.now()) / 2 - Date.parse(box.now) };
}

export function checkPage(): Result {
  return isSecureContext && location.protocol === 'https:' ? { outcome: 'good', code: 'H00' } : { outcome: 'bad', code: 'H09', detail: location.protocol };
}

/** A browser gives a page with a certificate that was only clicked away no service worker. */
export async function checkTrust(): Promise<Result> {
  if (!('serviceWorker' in navigator)) return { outcome: 'skipped', code: 'T05' };
  try {
    const registration = await within(patience, navigator.serviceWorker.register(worker, { scope: '/check/' }));
    await registration.unregister();
    return { outcome: 'good', code: 'T00' };
  } catch (error) {
    const text = String(error);
    return /certificate|SSL|SecurityError/i.test(text) ? { outcome: 'warn', code: 'T01', detail: text.slice(0, 200) } : { outcome: 'skipped', code: 'T05', detail: text.slice(0, 200) };
  }
}

export function checkClock(skew: number): Result {
  const minutes = Math.round(Math.abs(skew) / 60_000);
  const detail = `${(skew / 1000).toFixed(1)} s`;
  return Math.abs(skew) > mostSkew ? { outcome: 'warn', code: 'C01', detail, values: { n: minutes } } : { outcome: 'good', code: 'C00', detail };
}

const address = /^\[|^\d+\.\d+\.\d+\.\d+$/;

export function checkName(host: string, names: readonly string[]): Result {
  const detail = host;
  if (address.test(host)) return { outcome: 'good', code: 'N01', detail, values: { name: names[0] ?? '' } };
  return names.includes(host) ? { outcome: 'good', code: 'N00', detail, values: { name: host } } : { outcome: 'warn', code: 'N02', detail, values: { name: host } };
}

/** Opens an XMPP stream and has the box answer it. */
export async function checkSocket(domain: string): Promise<Result> {
  const begun = performance.now();
  const socket = new WebSocket(`wss://${location.host}/xmpp-websocket`, ['xmpp']);
  try {
    await within(
      patience,
      new Promise<void>((resolve, reject) => {
        socket.onopen = () => socket.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="${domain}" version="1.0"/>`);
        socket.onmessage = (event) => (String(event.data).startsWith('<open') ? resolve() : undefined);
        socket.onerror = () => reject(new Error('the WebSocket failed'));
        socket.onclose = (event) => reject(new Error(`the WebSocket was closed: ${event.code}`));
      }),
    );
    return { outcome: 'good', code: 'W00', detail: `${Math.round(performance.now() - begun)} ms` };
  } catch (error) {
    return { outcome: 'warn', code: 'W01', detail: String(error).slice(0, 200) };
  } finally {
    socket.onclose = null;
    socket.close();
  }
}

const httpbind = 'http://jabber.org/protocol/httpbind';

/** The same by requests, for where WebSockets fail. */
export async function checkBosh(domain: string, socket: Result | null): Promise<Result> {
  const post = async (body: string) => {
    const answer = await within(patience, fetch('/http-bind', { method: 'POST', body, headers: { 'Content-Type': 'text/xml; charset=utf-8' } }));
    if (!answer.ok) throw new Error(`http-bind: ${answer.status}`);
    return await answer.text();
  };
  const rid = 1_000_000 + Math.floor(Math.random() * 1_000_000);
  const begun = performance.now();
  try {
    const text = await post(`<body xmlns="${httpbind}" to="${domain}" rid="${rid}" wait="5" hold="1" ver="1.6" xml:lang="en" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0"/>`);
    const sid = /\bsid=['"]([^'"]+)['"]/.exec(text)?.[1];
    if (sid === undefined) throw new Error('http-bind: no session');
    const detail = `${Math.round(performance.now() - begun)} ms`;
    await post(`<body xmlns="${httpbind}" rid="${rid + 1}" sid="${sid}" type="terminate"/>`).catch(() => undefined);
    return { outcome: 'good', code: 'B00', detail };
  } catch (error) {
    const detail = String(error).slice(0, 200);
    return socket?.outcome === 'good' ? { outcome: 'warn', code: 'B01', detail } : { outcome: 'bad', code: 'B02', detail };
  }
}

/** What addresses a browser finds with such servers. */
async function gather(servers: RTCIceServer[], policy: RTCIceTransportPolicy): Promise<{ readonly types: ReadonlySet<string>; readonly errors: readonly string[] }> {
  const pc = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: policy });
  const types = new Set<string>();
  const errors: string[] = [];
  try {
    pc.createDataChannel('check');
    const done = new Promise<void>((resolve) => {
      pc.onicecandidate = (event) => {
        if (event.candidate?.type) types.add(event.candidate.type);
        if (!event.candidate) resolve();
      };
      pc.onicecandidateerror = (event) => errors.push(`${event.errorCode} ${event.errorText}`);
    });
    await pc.setLocalDescription();
    await within(2 * patience, done).catch(() => undefined);
    return { types, errors };
  } finally {
    pc.close();
  }
}

/** Whether the box answers STUN over UDP. An address that is the own one anyway is not always told. */
export async function checkStun(box: Box): Promise<Result> {
  const { types, errors } = await gather([{ urls: `stun:${location.hostname}:${box.stun}` }], 'all');
  const detail = [...types, ...errors].join(', ').slice(0, 200);
  const answered = types.has('srflx') || (errors.length === 0 && types.has('host'));
  return answered ? { outcome: 'good', code: 'S00', detail } : { outcome: 'warn', code: 'S01', detail };
}

/** Whether media could take the way of the page itself, TCP and TLS, where UDP is blocked. */
export async function checkTurn(box: Box): Promise<Result> {
  const urls = ['turns', 'turn'].map((scheme) => `${scheme}:${location.hostname}:${location.port || '443'}?transport=tcp`);
  const { username, credential } = box.turn;
  const { types, errors } = await gather([{ urls, username, credential }], 'relay');
  const detail = [...types, ...errors].join(', ').slice(0, 200);
  return types.has('relay') ? { outcome: 'good', code: 'R00', detail } : { outcome: 'warn', code: 'R01', detail };
}
