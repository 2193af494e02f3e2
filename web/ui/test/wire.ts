// What features of a meeting are given, without a meeting: for tests of their models in Node.

import { signal, type Signal } from '@preact/signals-core';

import type { Member } from '../src/meeting/model/roster.ts';
import type { LocalMedia, NoticeKind, Participant } from '../src/meeting/model/types.ts';
import { createBus, type Json, type Service, type Wire } from '../src/meeting/model/wire.ts';
import { el, type Xml } from '../src/xmpp/xml.ts';

export const room = 'demo@muc.meet.example';
const services = ['av_moderation', 'breakout_rooms', 'end_conference', 'file-sharing', 'polls', 'room_metadata', 'speakerstats'] as const;
const addressOf = (service: string) => `${service}.meet.example`;

export function participant(id: string, name: string, local = false) {
  return {
    id,
    local,
    name: signal(name),
    moderator: signal(false),
    audioMuted: signal(false),
    videoMuted: signal(false),
    sharing: signal(false),
    level: signal(0),
    camera: signal(null),
    screen: signal(null),
    reach: signal('good' as const),
    raisedHand: signal(0),
    quality: signal(100),
    recording: signal(false),
    endpoints: signal([id]),
    sources: signal({}),
    jid: `${id}@meet.example/r`,
    statsId: '',
  };
}

/** Our endpoint is `aaaaaaaa`; Ben (`bbbbbbbb`) and Cleo (`cccccccc`) are there, too. */
export function fakeWire() {
  const me = participant('me', 'Ada', true);
  const ben = participant('bbbbbbbb', 'Ben');
  const cleo = participant('cccccccc', 'Cleo');
  const bus = createBus();
  bus.found(new Map(services.map((s) => [s, addressOf(s)])));
  const here: Signal<string> = signal(room);
  const members = signal([ben, cleo] as unknown as readonly Member[]);
  const dominantSpeaker = signal<string | null>(null);
  const sent: { readonly service: Service; readonly payload: Xml }[] = [];
  const told: Json[] = [];
  const asked: Xml[] = [];
  const notices: NoticeKind[] = [];
  const moves: string[] = [];
  let ids = 0;
  const who = (endpoint: string): Participant | undefined => (endpoint === 'aaaaaaaa' ? (me as Participant) : members.peek().find((m) => m.id === endpoint));
  const wire: Wire = {
    room: here,
    home: room,
    me: me as Participant,
    media: {} as LocalMedia,
    members,
    dominantSpeaker,
    services: bus.services,
    domain: 'meet.example',
    origin: 'https://box.example/http-bind',
    boards: 'https://box.example',
    endpoint: () => 'aaaaaaaa',
    who,
    addressOf: (id) => (id === 'me' ? `${here.peek()}/aaaaaaaa` : who(id) ? `${here.peek()}/${id}` : ''),
    send(service, payload) {
      sent.push({ service, payload });
      return true;
    },
    iq: (x) => {
      asked.push(x);
      return Promise.resolve(el('iq', '', { type: 'result' }));
    },
    tell: (payload) => void told.push(payload),
    onPush: bus.onPush,
    onTold: bus.onTold,
    onFresh: bus.onFresh,
    onEntered: bus.onEntered,
    notice: (n) => void notices.push(n),
    newId: () => `id${++ids}`,
    moveTo(to) {
      moves.push(to);
      here.value = to;
    },
  };
  return {
    wire,
    bus,
    me,
    ben,
    cleo,
    members,
    dominantSpeaker,
    sent,
    told,
    asked,
    notices,
    moves,
    push: (service: Service, body: Json, from = addressOf(service)) => bus.push(from, service, body),
  };
}
