// The connection to the XMPP server: one session that survives lost sockets. This is the only file
// that knows Strophe. It logs in, mostly anonymously, over a WebSocket, or by requests where those fail, resumes the stream when the socket is
// lost (XEP-0198), and when the server does not know the stream any more, makes a fresh session and
// says so; entering rooms again is up to whoever listens.
//
// What it promises: stanzas given to `send` while the socket is lost are sent after a resume and
// dropped before a fresh session, which is told which messages the server may not have got; an `iq` is answered, times out, or is rejected with `Disconnected`
// when its session is gone; retries never stop by themselves.

import { signal, type ReadonlySignal } from '@preact/signals-core';
import { Strophe, toStanza, type SMState } from 'strophe.js';

import { ns } from './ns.ts';
import { iqError, iqResult, parseError, type StanzaError } from './stanza.ts';
import { child, el, fromDom, print, type DomNode, type Xml } from './xml.ts';

/** An IQ's session ended before the answer came. */
export class Disconnected extends Error {
  constructor() {
    super('the session ended');
    this.name = 'Disconnected';
  }
}

export class IqTimeout extends Error {
  constructor() {
    super('no answer in time');
    this.name = 'IqTimeout';
  }
}

/** `lost`: there was a session, and it is being resumed or replaced. */
export type Link = 'idle' | 'connecting' | 'online' | 'lost' | 'closed';

export interface Handlers {
  /**
   * A session exists. Fresh: nothing of an earlier one is left on the server that we could use;
   * `lost` are the messages of that one which the server has not acknowledged.
   */
  online(fresh: boolean, lost: readonly Xml[]): void;
  /** The server does not let us in, and trying again will not help. */
  refused(condition: string, text: string): void;
  presence(stanza: Xml): void;
  message(stanza: Xml): void;
  /** A request to us; the answer is sent as it is. Undefined: not understood. */
  request(iq: Xml): Xml | undefined;
}

export interface Options {
  readonly url: string;
  /** Where the server takes requests (BOSH), for where WebSockets fail. */
  readonly bosh?: string;
  readonly domain: string;
  /** An account of the domain to log in with; without it one is a guest. */
  readonly account?: { readonly name: string; readonly password: string };
  readonly handlers: Handlers;
  readonly random?: () => number;
}

export interface Connection {
  readonly link: ReadonlySignal<Link>;
  /** Full JID of the session, '' before there is one. */
  readonly jid: string;
  connect(): void;
  /** Tries at once instead of waiting for the next turn, and asks a socket whether it still works: the network is another one. */
  retryNow(): void;
  send(stanza: Xml): void;
  iq(stanza: Xml, timeout?: number): Promise<Xml>;
  /** Ends the session; `last` are stanzas to go before. */
  close(...last: readonly Xml[]): void;
}

/** How long to wait before attempt n (from 0): a quarter to half a second, doubling to at most ten. */
export function retryDelay(attempt: number, random: () => number): number {
  const ceiling = Math.min(500 * 2 ** attempt, 10_000);
  return ceiling / 2 + (random() * ceiling) / 2;
}

const handshakeTimeout = 10_000;
const iqTimeout = 10_000;
const pingInterval = 10_000;
const pingTimeout = 5_000;
const probeTimeout = 2_000;
/** Messages remembered; more than that are never on their way at once. */
const mostRecent = 100;

interface Pending {
  readonly to: string | undefined;
  readonly resolve: (iq: Xml) => void;
  readonly reject: (err: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export function createConnection(options: Options): Connection {
  const { handlers, domain } = options;
  const random = options.random ?? Math.random;
  const link = signal<Link>('idle');
  const pending = new Map<string, Pending>();
  let outbox: Xml[] = [];
  let attempt = 0;
  /** What has carried a session; 'trying' while nothing has. */
  let carrier: 'trying' | 'websocket' | 'bosh' = 'trying';
  let byBosh = false;
  let nextId = 0;
  let resumable: SMState | null = null;
  /** Messages sent lately, and the text of what was not acknowledged when the socket was lost. */
  let recent: Xml[] = [];
  let unacked: readonly string[] = [];
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  let pingTimer: ReturnType<typeof setInterval> | undefined;
  let lastReceived = 0;

  Strophe.setLogLevel(Strophe.LogLevel.FATAL);
  const strophe = new Strophe.Connection(options.url, {
    enableStreamManagement: true,
    // Only for this page's life: after a reload there is no media left that the old session could
    // have gone on with.
    streamManagement: {
      storage: {
        load: () => resumable,
        save: (_key, state) => {
          resumable = { ...state, unacked: [...state.unacked] };
        },
        clear: () => {
          resumable = null;
        },
      },
    },
    mechanisms: [Strophe.SASLAnonymous, Strophe.SASLPlain, Strophe.SASLSHA1, Strophe.SASLSHA256],
  });
  if (strophe.sm) {
    // Strophe would send what a dead session left over on the fresh one: presences of a room it is
    // not in, answers to requests nobody waits for. The model says anew what still matters.
    const { sm } = strophe;
    sm.onFailed = () => {
      sm.reset();
      sm.serverSupported = true;
    };
  }

  function rejectPending(): void {
    for (const p of pending.values()) {
      clearTimeout(p.timer);
      p.reject(new Disconnected());
    }
    pending.clear();
  }

  function write(stanza: Xml): void {
    if (stanza.name === 'message') recent = [...recent, stanza].slice(-mostRecent);
    strophe.send(toStanza(print({ ...stanza, ns: 'jabber:client' }), true));
  }

  function send(stanza: Xml): void {
    if (link.value === 'online') write(stanza);
    else if (link.value !== 'closed') outbox.push(stanza);
  }

  function receive(x: Xml): void {
    lastReceived = Date.now();
    switch (x.name) {
      case 'presence':
        handlers.presence(x);
        return;
      case 'message':
        handlers.message(x);
        return;
      case 'iq':
        receiveIq(x);
    }
  }

  function receiveIq(x: Xml): void {
    const type = x.attrs['type'];
    const id = x.attrs['id'] ?? '';
    if (type === 'get' || type === 'set') {
      if (child(x, 'ping', ns.ping)) send(iqResult(x));
      else send(handlers.request(x) ?? iqError(x, 'cancel', 'service-unavailable'));
      return;
    }
    const p = pending.get(id);
    // An answer must come from whom we asked; a server answers for itself with or without a from.
    if (!p || (x.attrs['from'] !== undefined && p.to !== undefined && x.attrs['from'] !== p.to)) return;
    pending.delete(id);
    clearTimeout(p.timer);
    if (type === 'error') p.reject(parseError(x) satisfies StanzaError);
    else p.resolve(x);
  }

  function iq(stanza: Xml, timeout = iqTimeout): Promise<Xml> {
    const id = `m${++nextId}`;
    return new Promise((resolve, reject) => {
      if (link.value === 'closed') {
        reject(new Disconnected());
        return;
      }
      const timer = setTimeout(() => {
        pending.delete(id);
        reject(new IqTimeout());
      }, timeout);
      pending.set(id, { to: stanza.attrs['to'], resolve, reject, timer });
      send({ ...stanza, attrs: { ...stanza.attrs, id } });
    });
  }

  // The socket of a vanished server stays open for minutes; only silence tells.
  function startPinging(): void {
    let misses = 0;
    clearInterval(pingTimer);
    lastReceived = Date.now();
    pingTimer = setInterval(() => {
      if (Date.now() - lastReceived < pingInterval) {
        misses = 0;
        return;
      }
      iq(el('iq', '', { type: 'get', to: domain }, el('ping', ns.ping)), pingTimeout).catch((err: unknown) => {
        // An error is an answer, too.
        if (err instanceof IqTimeout && ++misses >= 2) dropSocket();
      });
    }, pingInterval);
  }

  function online(): void {
    const fresh = !strophe.hasResumed();
    clearTimeout(handshakeTimer);
    attempt = 0;
    carrier = byBosh ? 'bosh' : 'websocket';
    // Handlers do not outlive a socket in Strophe. One that throws would be removed.
    const handler = (stanza: Element): boolean => {
      try {
        receive(fromDom(stanza as unknown as DomNode));
      } catch (err) {
        reportError(err);
      }
      return true;
    };
    for (const name of ['iq', 'message', 'presence']) strophe.addHandler(handler, null, name, null);
    const queued = outbox;
    outbox = [];
    const onTheirWay = recent.filter((m) => unacked.some((text) => text.includes(`id="${m.attrs['id']}"`)));
    const missed = fresh ? [...onTheirWay, ...queued.filter((m) => m.name === 'message')] : [];
    if (fresh) recent = [];
    if (fresh) rejectPending();
    link.value = 'online';
    startPinging();
    if (!fresh) for (const stanza of queued) write(stanza);
    handlers.online(fresh, missed);
  }

  function lost(): void {
    clearTimeout(handshakeTimer);
    clearInterval(pingTimer);
    if (link.value === 'closed') return;
    if (link.value === 'online') {
      link.value = 'lost';
      unacked = resumable?.unacked.map((u) => u.stanza) ?? [];
    }
    clearTimeout(retryTimer);
    retryTimer = setTimeout(start, retryDelay(attempt++, random));
  }

  function dropSocket(): void {
    strophe._doDisconnect();
  }

  function start(): void {
    if (link.value === 'idle') link.value = 'connecting';
    // Safari refuses WebSockets where a certificate was only clicked through, and says no more than
    // that they fail: after two failures every other attempt is made by requests, which it lets pass.
    byBosh = options.bosh !== undefined && (carrier === 'bosh' || (carrier === 'trying' && attempt >= 2 && attempt % 2 === 0));
    const url = new URL(byBosh && options.bosh !== undefined ? options.bosh : options.url);
    if (resumable?.id && resumable.resumeSupported) url.searchParams.set('previd', resumable.id);
    // An attempt that is still on its way would answer into this one, for setProtocol leaves its socket open.
    strophe._proto._doDisconnect();
    // Stanzas not yet handed to the old socket are in the unacknowledged queue as well.
    strophe.reset();
    strophe.service = url.href;
    strophe.setProtocol();
    handshakeTimer = setTimeout(dropSocket, handshakeTimeout);
    strophe.connect(options.account ? `${options.account.name}@${domain}` : domain, options.account?.password ?? '', status);
    noticeGoodbye();
  }

  /** Strophe says nothing of a socket that is closed in due form before the login, as by a server that stops. */
  function noticeGoodbye(): void {
    const proto = strophe._proto as { readonly socket?: WebSocket | null };
    const { socket } = proto;
    socket?.addEventListener('close', () => {
      if (proto.socket === socket && link.value !== 'closed') dropSocket();
    });
  }

  function status(code: number, condition: string | null, elem?: Element): void {
    switch (code) {
      case Strophe.Status.CONNECTED:
        online();
        return;
      case Strophe.Status.AUTHFAIL:
        closeQuietly();
        // Strophe names a condition only here and there.
        if (elem?.firstElementChild?.localName === 'temporary-auth-failure') handlers.refused('temporary-auth-failure', elem.textContent);
        else handlers.refused(condition ?? 'not-authorized', '');
        return;
      case Strophe.Status.ERROR:
        // No way to log in with a password: the server has no accounts.
        if (options.account === undefined || condition !== 'not-authorized') return;
        closeQuietly();
        handlers.refused(condition, '');
        return;
      case Strophe.Status.DISCONNECTED:
        lost();
    }
  }

  function closeQuietly(): void {
    link.value = 'closed';
    clearTimeout(retryTimer);
    clearTimeout(handshakeTimer);
    clearInterval(pingTimer);
    rejectPending();
    resumable = null;
  }

  return {
    link,
    get jid() {
      return strophe.jid;
    },
    connect: start,
    retryNow() {
      if (link.value === 'online') {
        iq(el('iq', '', { type: 'get', to: domain }, el('ping', ns.ping)), probeTimeout).catch((err: unknown) => {
          if (err instanceof IqTimeout) dropSocket();
        });
      }
      if (link.value === 'lost' || link.value === 'connecting') {
        clearTimeout(retryTimer);
        clearTimeout(handshakeTimer);
        attempt = 0;
        start();
      }
    },
    send,
    iq,
    close(...last) {
      const wasOnline = link.value === 'online';
      if (wasOnline) for (const stanza of last) write(stanza);
      closeQuietly();
      if (wasOnline) {
        strophe.flush();
        strophe.disconnect();
      } else {
        dropSocket();
      }
    },
  };
}

/** Hands an error to the page's global handler without ending what runs. */
function reportError(err: unknown): void {
  queueMicrotask(() => {
    throw err;
  });
}
