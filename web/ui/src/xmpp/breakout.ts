// Breakout rooms: orders to their service, and what it tells everybody (signaling contract 7.6).

import { object, text, type Json } from './json.ts';
import { el, type Xml } from './xml.ts';

export interface BreakoutPerson {
  /** Address in the room: ROOM/ENDPOINT. */
  readonly address: string;
  readonly name: string;
  readonly moderator: boolean;
}

export interface BreakoutRoom {
  /** Bare JID. */
  readonly jid: string;
  readonly name: string;
  readonly main: boolean;
  readonly people: readonly BreakoutPerson[];
}

export type BreakoutPush =
  /** counter: how many rooms were ever made, for their names. */
  | { readonly kind: 'update'; readonly rooms: readonly BreakoutRoom[]; readonly counter: number }
  /** We are to go there. */
  | { readonly kind: 'move'; readonly room: string };

const action = 'features/breakout-rooms/';

export function parseBreakoutPush(body: Json): BreakoutPush | undefined {
  if (body['event'] === `${action}move-to-room`) return { kind: 'move', room: text(body['roomJid']) };
  if (body['event'] !== `${action}update`) return undefined;
  const rooms = Object.values(object(body['rooms'])).flatMap((v): BreakoutRoom[] => {
    const r = object(v);
    const jid = text(r['jid']);
    if (jid === '') return [];
    const people = Object.entries(object(r['participants'])).map(([address, p]) => ({
      address,
      name: text(object(p)['displayName']),
      moderator: object(p)['role'] === 'moderator',
    }));
    return [{ jid, name: text(r['name']), main: r['isMainRoom'] === true, people }];
  });
  return { kind: 'update', rooms, counter: Number(body['roomCounter']) || 0 };
}

function order(what: string, attrs: Readonly<Record<string, string>>): Xml {
  return el('breakout_rooms', '', { type: action + what, ...attrs });
}

export const printAddRoom = (subject: string): Xml => order('add', { subject });
export const printRemoveRoom = (breakoutRoomJid: string): Xml => order('remove', { breakoutRoomJid });
export const printRenameRoom = (breakoutRoomJid: string, subject: string): Xml => order('rename', { breakoutRoomJid, subject });
/** participant: address in the room where they are now. */
export const printMove = (participantJid: string, roomJid: string): Xml => order('move-to-room', { participantJid, roomJid });
