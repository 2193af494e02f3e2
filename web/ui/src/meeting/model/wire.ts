// What the features around a meeting are told, and may do: the pushes of the room's services, the
// messages of other pages over the bridge, and a way to answer both. Features are loaded when the
// meeting has begun; what came before is kept for them.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { Config } from '../../config/config.ts';
import { printEndpointMessage } from '../../xmpp/colibri.ts';
import { resource } from '../../xmpp/jid.ts';
import { el, type Xml } from '../../xmpp/xml.ts';
import type { Room } from './room.ts';
import type { Member, Roster } from './roster.ts';
import type { LocalMedia, NoticeKind, Participant } from './types.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A service beside the room, by the type of its identity in the domain's disco#info. */
export type Service = 'av_moderation' | 'breakout_rooms' | 'end_conference' | 'file-sharing' | 'polls' | 'room_metadata' | 'speakerstats';

export interface Wire {
  /** Bare JID of the room that we are in. */
  readonly room: ReadonlySignal<string>;
  /** Bare JID of the meeting's main room. */
  readonly home: string;
  readonly me: Participant;
  readonly media: LocalMedia;
  readonly members: ReadonlySignal<readonly Member[]>;
  readonly dominantSpeaker: ReadonlySignal<string | null>;
  /** Addresses of the services that there are. */
  readonly services: ReadonlySignal<ReadonlyMap<string, string>>;
  /** The XMPP domain. */
  readonly domain: string;
  /** Any address of the box, for files. */
  readonly origin: string;
  /** Where whiteboards are relayed, '' for nowhere. */
  readonly boards: string;
  /** Our endpoint id. */
  endpoint(): string;
  /** Who has that endpoint id, we too. */
  who(endpoint: string): Participant | undefined;
  /** Address of a participant in the room, '' when they left. */
  addressOf(participant: string): string;
  /** false when there is no such service. */
  send(service: Service, payload: Xml, type?: 'chat'): boolean;
  /** Asks a service of the box. */
  iq(x: Xml): Promise<Xml>;
  /** To the pages of all others, or of one (EndpointMessage of the bridge channel). */
  tell(payload: Json, to?: string): void;
  onPush(service: Service, handler: (body: Json) => void): void;
  onTold(name: string, handler: (from: Participant, payload: Json) => void): void;
  /** A fresh session, or another room: what services have is pushed anew. Called before that. */
  onFresh(handler: () => void): void;
  /** We are in the room, with a fresh session or after changing rooms; what services have is on its way. */
  onEntered(handler: () => void): void;
  notice(what: NoticeKind): void;
  newId(): string;
  /** Leaves the room for another one of this meeting. */
  moveTo(room: string): void;
}

/** The receiving half of a Wire. */
export interface Bus {
  readonly services: ReadonlySignal<ReadonlyMap<string, string>>;
  found(services: ReadonlyMap<string, string>): void;
  push(from: string, type: string, body: Json): void;
  told(from: Participant, payload: Json): void;
  fresh(): void;
  entered(): void;
  onPush: Wire['onPush'];
  onTold: Wire['onTold'];
  onFresh: Wire['onFresh'];
  onEntered: Wire['onEntered'];
}

/** More than a room's services push to a joiner. */
const most = 200;

export function createBus(): Bus {
  const services = signal<ReadonlyMap<string, string>>(new Map());
  const handlers = new Map<string, (body: Json) => void>();
  const ears = new Map<string, (from: Participant, payload: Json) => void>();
  const fresh: (() => void)[] = [];
  const entered: (() => void)[] = [];
  // Until it is known who the services are, and until somebody wants to know.
  let unproven: { from: string; type: string; body: Json }[] = [];
  const kept = new Map<string, Json[]>();

  function deliver(from: string, type: string, body: Json): void {
    // A push is believed only from the address that the domain names; anybody can send messages.
    if (services.peek().get(type) !== from) return;
    const handler = handlers.get(type);
    if (handler) handler(body);
    else kept.set(type, [...(kept.get(type) ?? []), body].slice(-most));
  }

  return {
    services,
    found(now) {
      services.value = now;
      const list = unproven;
      unproven = [];
      for (const { from, type, body } of list) deliver(from, type, body);
    },
    push(from, type, body) {
      if (services.peek().size > 0) deliver(from, type, body);
      else if (unproven.length < most) unproven.push({ from, type, body });
    },
    told(from, payload) {
      if (typeof payload['name'] === 'string') ears.get(payload['name'])?.(from, payload);
    },
    fresh() {
      unproven = [];
      kept.clear();
      for (const handler of fresh) handler();
    },
    entered() {
      for (const handler of entered) handler();
    },
    onPush(service, handler) {
      handlers.set(service, handler);
      for (const body of kept.get(service) ?? []) handler(body);
      kept.delete(service);
    },
    onTold: (name, handler) => void ears.set(name, handler),
    onFresh: (handler) => void fresh.push(handler),
    onEntered: (handler) => void entered.push(handler),
  };
}

export interface WireParts {
  readonly bus: Bus;
  readonly config: Config;
  readonly me: Participant;
  readonly devices: LocalMedia;
  readonly here: ReadonlySignal<string>;
  readonly home: string;
  readonly roster: Pick<Roster, 'members' | 'byEndpoint'>;
  readonly dominantSpeaker: ReadonlySignal<string | null>;
  readonly room: () => Pick<Room, 'endpoint' | 'send' | 'iq' | 'moveTo'>;
  readonly toBridge: (text: string) => void;
  readonly addressOf: (participant: string) => string;
  readonly notice: (what: NoticeKind) => void;
  readonly newId: () => string;
}

/** A meeting as its features see it. */
export function createWire(p: WireParts): Wire {
  const { bus, roster } = p;
  const endpoint = () => p.room().endpoint;
  return {
    room: p.here,
    home: p.home,
    me: p.me,
    media: p.devices,
    members: roster.members,
    dominantSpeaker: p.dominantSpeaker,
    services: bus.services,
    domain: p.config.domain,
    origin: p.config.bosh,
    boards: p.config.boards,
    endpoint,
    who: (nick) => (nick === endpoint() ? p.me : roster.byEndpoint(nick)),
    addressOf: p.addressOf,
    send(service, payload, type) {
      const to = bus.services.peek().get(service);
      if (to !== undefined) p.room().send(el('message', '', { to, type, id: p.newId() }, payload));
      return to !== undefined;
    },
    iq: (x) => p.room().iq(x),
    tell: (payload, to = '') => p.toBridge(printEndpointMessage(to === '' ? '' : resource(p.addressOf(to)), payload)),
    onPush: bus.onPush,
    onTold: bus.onTold,
    onFresh: bus.onFresh,
    onEntered: bus.onEntered,
    notice: p.notice,
    newId: p.newId,
    moveTo: (to) => p.room().moveTo(to),
  };
}
