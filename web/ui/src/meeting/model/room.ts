// Being in the room: asks the focus, enters, stays, and enters again by itself when the XMPP session
// had to be replaced. Knows stanzas, not media; who is there and what it means is for the meeting.

import type { Config } from '../../config/config.ts';
import { Disconnected, type Connection, type Handlers, type Options as ConnectionOptions } from '../../xmpp/connection.ts';
import {
  capsHash,
  capsNode,
  features,
  printFeatures,
  printPassword,
  serviceAddresses,
  type IceServer,
} from '../../xmpp/disco.ts';
import type { ConferenceRequest } from '../../xmpp/conference.ts';
import { bare, endpointOf, node, resource } from '../../xmpp/jid.ts';
import { jingleOf, parseJingle, type Action } from '../../xmpp/jingle.ts';
import { parseMessage, type RoomMessage } from '../../xmpp/message.ts';
import { ns } from '../../xmpp/ns.ts';
import {
  parsePresence,
  printJoin,
  printLeave,
  printProfile,
  printUpdate,
  refusal,
  type Departure,
  type Occupant,
  type Profile,
  type Refusal,
} from '../../xmpp/presence.ts';
import { iqError, iqResult, type StanzaError } from '../../xmpp/stanza.ts';
import { child, el, textOf, type Xml } from '../../xmpp/xml.ts';
import { lobbyOf, printMembers, printMembersOnly } from '../../xmpp/lobby.ts';
import { createInquiries } from './inquiries.ts';
import { askFocus, FocusRefused, NoFocus } from './focus.ts';
import type { LogInResult } from './host.ts';
import { createLobby, type Knocker } from './lobby.ts';
import type { Failure, Interruption, Waiting } from './types.ts';

/** The nick of the conference's focus; everything it sends comes from ROOM/focus. */
export const focusNick = 'focus';

export interface RoomHandlers {
  /** What we say of ourselves; asked for whenever it is sent. */
  profile(): Omit<Profile, 'caps'>;
  /** A fresh session is entering, or another room: who is here will be told anew. */
  entering(how: 'first' | 'again' | 'moving'): void;
  /** The services beside the rooms, by type. */
  services(addresses: ReadonlyMap<string, string>): void;
  /** wrong: the password given was refused. */
  waiting(why: Waiting, wrong: boolean): void;
  /** There were too many wrong passwords: what was typed was not looked at, and is not before so many seconds. */
  slowed(seconds: number, typed: string): void;
  /** `lost` are messages of a former session that may not have arrived. */
  entered(me: Occupant, lost: readonly Xml[]): void;
  interrupted(why: Interruption): void;
  /** The session was resumed; nothing was lost. */
  resumed(): void;
  failed(why: Failure, text: string): void;
  present(o: Occupant): void;
  left(d: Departure): void;
  focus(o: Occupant): void;
  message(m: RoomMessage): void;
  /** A Jingle request of the focus; a string is an error condition. */
  jingle(action: Action): string | null;
  /** A moderator switched something of ours off. */
  muted(media: 'audio' | 'video' | 'screen', actor: string): void;
  started(at: number): void;
  /** Whether the room has a password. */
  locked(on: boolean): void;
  /** Whether people are let in one by one. */
  lobby(on: boolean): void;
  /** Who waits to be let in; for moderators. */
  knocking(list: readonly Knocker[]): void;
  /** Who logged in is called so. */
  named(name: string): void;
}

export interface RoomOptions {
  readonly config: Config;
  /** Bare JID of the meeting's main room. */
  readonly room: string;
  readonly machineUid: string;
  readonly handlers: RoomHandlers;
  readonly connect: (options: ConnectionOptions) => Connection;
  readonly fetch: typeof fetch;
}

export interface Room {
  /** Bare JID of the room that we are in, or on the way to. */
  readonly name: string;
  readonly endpoint: string;
  readonly jid: string;
  readonly iceServers: readonly IceServer[];
  join(): void;
  enterPassword(password: string): void;
  /** Before a room that waits for its host: logs in as such. */
  logIn(name: string, password: string): Promise<LogInResult>;
  /** As a moderator; '' takes it away. */
  setPassword(password: string): Promise<void>;
  /** As a moderator: these guests, by their addresses, are members from now on. */
  setLobby(on: boolean, guests: readonly string[]): Promise<void>;
  admit(id: string): void;
  turnAway(id: string): Promise<void>;
  leave(): void;
  /** Something of the profile changed. */
  update(): void;
  retryNow(): void;
  /** Leaves for another room of the meeting. */
  moveTo(room: string): void;
  send(x: Xml): void;
  iq(x: Xml): Promise<Xml>;
  toFocus(payload: Xml): Promise<Xml>;
  toRoom(payload: Xml): Promise<Xml>;
}

const muteMedia: Readonly<Record<string, 'audio' | 'video' | 'screen'>> = {
  [ns.muteAudio]: 'audio',
  [ns.muteVideo]: 'video',
  [ns.muteScreen]: 'screen',
};

/** How long the first join waits for the focus before it is called absent. */
const patience = 30_000;
const joinTimeout = 10_000;
/** How long the first connection may take before the box is called unreachable. */
const reachTimeout = 20_000;

export function createRoom(options: RoomOptions): Room {
  const { config, handlers } = options;
  const home = options.room;
  /** Where we are: the main room, or a breakout room. */
  let room = home;
  const own = features({ ssrcRewriting: config.ssrcRewriting, sctp: config.preferSctp });
  let caps = '';
  let endpoint = '';
  let iceServers: readonly IceServer[] = [];
  let inside = false;
  let wasInside = false;
  let lost: readonly Xml[] = [];
  let focusAccount = '';
  let task = new AbortController();
  let joinTimer: ReturnType<typeof setTimeout> | undefined;
  // Asked for again after each reconnect, so it is kept as long as the page lives.
  let password: string | undefined;
  // Who has logged in as a host shows it with each request.
  let sessionId = '';
  let updateQueued = false;
  let reachTimer: ReturnType<typeof setTimeout> | undefined;

  const connectionHandlers: Handlers = {
    online(fresh, missed) {
      clearTimeout(reachTimer);
      lost = [...lost, ...missed];
      if (fresh) void enter();
      else if (inside) handlers.resumed();
    },
    refused: (condition) => fail('refused', condition),
    presence(x) {
      if (!lobby.presence(x)) onPresence(x);
    },
    message(x) {
      if (lobby.message(x)) return;
      const from = x.attrs['from'] ?? '';
      // Services have addresses without a local part; what they are is known from disco.
      if (bare(from) !== room && from.includes('@')) return;
      const message = parseMessage(x);
      if (message?.kind === 'configured') void askRoom();
      else if (message) handlers.message(message);
    },
    request: onRequest,
  };
  const address = (service: string, token: string): string => {
    const url = new URL(service);
    url.searchParams.set('room', node(home));
    if (token !== '') url.searchParams.set('token', token);
    return url.href;
  };
  const dial = (domain: string, token: string) =>
    options.connect({ url: address(config.websocket, token), bosh: address(config.bosh, token), domain, handlers: connectionHandlers });
  const watch = () =>
    connection.link.subscribe((link) => {
      if (link === 'lost') handlers.interrupted('network');
    });
  let connection = dial(config.login, config.token);
  let watchLink = watch();
  const ask = createInquiries((x) => connection.iq(x));

  const lobby = createLobby({
    room: home,
    send: (x) => connection.send(x),
    iq: (x) => connection.iq(x),
    newId: () => endpointOf(''),
    handlers: {
      admitted: join,
      denied: () => fail('denied', ''),
      ended() {
        handlers.left({ nick: endpoint, self: true, kicked: false, actor: '', reason: '', destroyed: true, alternative: '' });
        stop();
      },
      knocking: (list) => handlers.knocking(list),
    },
  });
  // A lobby wants a name of everybody.
  const knownAs = () => handlers.profile().name || 'Guest';
  let lobbyAddress = '';
  let moderating = false;
  const attend = () => lobby.attend(moderating ? lobbyAddress : '', knownAs());

  const occupant = () => `${room}/${endpoint}`;
  let named = false;
  const profile = () => printProfile({ ...handlers.profile(), ...(named ? { name: knownAs() } : {}), caps }, capsNode);

  const request = (): ConferenceRequest => ({ room, machineUid: options.machineUid, properties: {}, ...(sessionId === '' ? {} : { sessionId }) });

  async function enter(moving = false): Promise<void> {
    task.abort();
    const mine = (task = new AbortController());
    inside = false;
    lobby.reset();
    lobbyAddress = '';
    endpoint = endpointOf(connection.jid);
    handlers.entering(moving ? 'moving' : wasInside ? 'again' : 'first');
    if (!moving) askDomain();
    try {
      if (caps === '') caps = await capsHash(own);
      const answer = await askFocus({
        config,
        connection,
        request: request(),
        fetch: options.fetch,
        patience: wasInside ? Number.POSITIVE_INFINITY : patience,
        aborted: mine.signal,
        onWaiting: () => handlers.waiting('host', false),
      });
      if (mine.signal.aborted) return;
      focusAccount = answer.focus;
      join();
    } catch (err) {
      if (err instanceof Disconnected || mine.signal.aborted) return;
      if (room !== home) {
        goTo(home);
        return;
      }
      if (err instanceof NoFocus) fail('no-focus', '');
      else fail(err instanceof FocusRefused ? 'refused' : 'internal', err instanceof Error ? err.message : String(err));
    }
  }

  function join(): void {
    const billing = config.conferenceRequestUrl === '' ? {} : { billingId: options.machineUid };
    connection.send(printJoin(occupant(), password === undefined ? billing : { ...billing, password }, profile()));
    clearTimeout(joinTimer);
    joinTimer = setTimeout(() => {
      if (!inside && connection.link.peek() === 'online') void enter();
    }, joinTimeout);
  }

  function goTo(next: string, ...goodbye: readonly Xml[]): void {
    for (const x of goodbye) connection.send(x);
    clearTimeout(joinTimer);
    room = next;
    void enter(true);
  }

  function start(): void {
    reachTimer = setTimeout(() => fail('unreachable', ''), reachTimeout);
    connection.connect();
  }

  /** As somebody whom a token names, in place of the guest who waited. */
  function startAgain(token: string): void {
    stop();
    lobby.reset();
    connection = dial(config.domain, token);
    watchLink = watch();
    handlers.entering('first');
    start();
  }

  function fail(why: Failure, text: string): void {
    stop();
    handlers.failed(why, text);
  }

  function stop(...last: readonly Xml[]): void {
    task.abort();
    clearTimeout(joinTimer);
    clearTimeout(reachTimer);
    inside = false;
    watchLink();
    connection.close(...last);
  }

  function onPresence(x: Xml): void {
    if (!(x.attrs['from'] ?? '').startsWith(`${room}/`)) return;
    const p = parsePresence(x);
    switch (p?.kind) {
      case 'error':
        // Errors of updates are answered with the same form; they mean we are not in the room.
        if (p.nick === endpoint && !inside) onRefused(refusal(p.error), p.error);
        else if (p.nick === endpoint) void enter();
        return;
      case 'left':
        onLeft(p.departure);
        return;
      case 'available':
        onAvailable(p.occupant);
    }
  }

  function onAvailable(o: Occupant): void {
    if (o.nick === focusNick) {
      // Anybody could take the nick in a room without a focus.
      if (focusAccount === '' || o.jid.startsWith(`${focusAccount}/`)) handlers.focus(o);
    } else if (o.self) {
      const first = !inside;
      inside = true;
      wasInside = true;
      clearTimeout(joinTimer);
      const again = first ? lost : [];
      if (first) lost = [];
      handlers.entered(o, again);
      moderating = o.role === 'moderator' || o.affiliation === 'owner';
      if (!first) attend();
      if (first) {
        void askRoom();
        // What changed between the join and its answer.
        if (updateQueued) flushUpdate();
      }
    } else handlers.present(o);
  }

  function onLeft(d: Departure): void {
    if (d.self || d.nick === endpoint) {
      if (!inside) return;
      inside = false;
      // A breakout room that is closed sends everybody back.
      if (room !== home && d.destroyed && d.alternative === home) goTo(home);
      else if (d.kicked || d.destroyed) {
        handlers.left(d);
        stop();
      } else void enter();
    } else if (d.nick === focusNick) {
      // It comes back for a request. We stay, and our media with it.
      void enterAgainAfterFocus();
    } else handlers.left(d);
  }

  async function enterAgainAfterFocus(): Promise<void> {
    await askFocus({
      config,
      connection,
      request: request(),
      fetch: options.fetch,
      patience: Number.POSITIVE_INFINITY,
      aborted: task.signal,
      onWaiting: () => undefined,
    }).catch(() => undefined);
  }

  function onRefused(why: Refusal, error: StanzaError): void {
    clearTimeout(joinTimer);
    switch (why) {
      case 'conflict':
        // Our former self may still be there; another name does.
        endpoint = endpointOf('');
        join();
        return;
      case 'no-room':
        if (room !== home) {
          goTo(home);
          return;
        }
        joinTimer = setTimeout(() => void enter(), 500);
        return;
      case 'password':
        handlers.waiting('password', password !== undefined);
        password = undefined;
        return;
      case 'slow':
        handlers.slowed(Number(textOf(error.extra.find((x) => x.name === 'slow-down'))) || 1, password ?? '');
        password = undefined;
        return;
      case 'lobby': {
        const where = lobbyOf(error);
        if (where === '') {
          fail('refused', error.message);
          return;
        }
        handlers.waiting('lobby', false);
        lobby.knock(where, knownAs());
        return;
      }
      case 'name-required':
        if (named) fail('refused', error.message);
        else {
          named = true;
          join();
        }
        return;
      case 'full':
        fail('full', error.message);
        return;
      default:
        fail('refused', error.message);
    }
  }

  function onRequest(iq: Xml): Xml | undefined {
    const query = child(iq, 'query', ns.discoInfo);
    if (query) {
      const asked = query.attrs['node'];
      if (asked !== undefined && asked !== `${capsNode}#${caps}`) return iqError(iq, 'cancel', 'item-not-found');
      return iqResult(iq, printFeatures(query, own));
    }
    // Only the focus may direct us, and nobody else can send from its address in the room.
    if (iq.attrs['from'] !== `${room}/${focusNick}` || iq.attrs['type'] !== 'set') return undefined;
    const jingle = jingleOf(iq);
    if (jingle) {
      const condition = handlers.jingle(parseJingle(jingle));
      if (condition === null) return iqResult(iq);
      return iqError(iq, 'cancel', condition, condition === 'item-not-found' ? el('unknown-session', ns.jingleErrors) : null);
    }
    const mute = child(iq, 'mute');
    const media = mute && muteMedia[mute.ns];
    if (mute && media) {
      if (textOf(mute).trim() === 'true') handlers.muted(media, resource(mute.attrs['actor'] ?? ''));
      return iqResult(iq);
    }
    return undefined;
  }

  async function askRoom(): Promise<void> {
    const disco = await ask.about(room);
    if (!disco) return;
    const created = Number(disco.fields['muc#roominfo_created_timestamp']);
    if (created > 0) handlers.started(created);
    handlers.locked(disco.features.has('muc_passwordprotected'));
    lobbyAddress = disco.fields['muc#roominfo_lobbyroom'] ?? '';
    handlers.lobby(lobbyAddress !== '');
    attend();
  }

  function askDomain(): void {
    void ask.iceServers(config.domain).then((servers) => {
      iceServers = servers;
    });
    void ask.about(config.domain).then((disco) => {
      if (disco) handlers.services(serviceAddresses(disco));
    });
  }

  function flushUpdate(): void {
    updateQueued = false;
    if (inside) connection.send(printUpdate(occupant(), profile()));
  }

  return {
    get name() {
      return room;
    },
    get endpoint() {
      return endpoint;
    },
    get jid() {
      return connection.jid;
    },
    get iceServers() {
      return iceServers;
    },
    join: start,
    enterPassword(given) {
      password = given;
      if (!inside) join();
    },
    async logIn(name, secret) {
      const { logIn } = await import('./host.ts');
      const found = await logIn({ config, room: home, machineUid: options.machineUid, connect: options.connect, fetch: options.fetch }, name, secret);
      // Somebody else may have opened the meeting, or the person have left.
      if (inside || task.signal.aborted) return found;
      if (found.is === 'account') {
        sessionId = found.sessionId;
        void enter();
      } else if (found.is === 'person') {
        handlers.named(found.name);
        startAgain(found.token);
      }
      return found;
    },
    async setPassword(wanted) {
      await connection.iq(el('iq', '', { type: 'set', to: room }, printPassword(wanted)));
      password = wanted === '' ? undefined : wanted;
      handlers.locked(wanted !== '');
    },
    async setLobby(on, guests) {
      // Who came without an invitation would otherwise have to knock after a reload.
      if (on && guests.length > 0) await connection.iq(el('iq', '', { type: 'set', to: room }, printMembers(guests))).catch(() => undefined);
      await connection.iq(el('iq', '', { type: 'set', to: room }, printMembersOnly(on)));
      await askRoom();
    },
    admit: lobby.admit,
    turnAway: lobby.turnAway,
    leave() {
      lobby.leave();
      stop(...(inside ? [printLeave(occupant())] : []));
    },
    update() {
      if (updateQueued) return;
      updateQueued = true;
      // Several changes of one moment are one presence.
      queueMicrotask(() => {
        if (inside) flushUpdate();
      });
    },
    retryNow: () => connection.retryNow(),
    moveTo(next) {
      if (next !== room) goTo(next, ...(inside ? [printLeave(occupant(), 'switch_room')] : []));
    },
    send: (x) => connection.send(x),
    iq: (x) => connection.iq(x),
    toFocus: (payload) => connection.iq(el('iq', '', { type: 'set', to: `${room}/${focusNick}` }, payload)),
    toRoom: (payload) => connection.iq(el('iq', '', { type: 'set', to: room }, payload)),
  };
}
