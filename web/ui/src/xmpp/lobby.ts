// The lobby of a room: the stanzas by which one knocks, and by which moderators let people in.

import { bare } from './jid.ts';
import { ns } from './ns.ts';
import type { StanzaError } from './stanza.ts';
import { child, el, textOf, type Xml } from './xml.ts';

/** Where to wait, from the refusal of a join; '' when the room has no lobby. */
export function lobbyOf(error: StanzaError): string {
  return textOf(error.extra.find((x) => x.name === 'lobbyroom')).trim();
}

/** Enters the lobby: those who wait give nothing but a name. */
export function printKnock(occupantJid: string, name: string): Xml {
  return el('presence', '', { to: occupantJid }, el('x', ns.muc), el('nick', ns.nick, {}, name));
}

/** Lets somebody in, by their real address. */
export function printAdmit(room: string, jid: string, id: string): Xml {
  return el('message', '', { to: room, id }, el('x', ns.mucUser, {}, el('invite', ns.mucUser, { to: jid })));
}

/** Whether a message is the room's word that we may come in. */
export function invited(message: Xml, room: string): boolean {
  const from = message.attrs['from'] ?? '';
  return from === bare(from) && from === room && child(child(message, 'x', ns.mucUser), 'invite') !== undefined;
}

/** The room's configuration with or without a lobby. */
export function printMembersOnly(on: boolean): Xml {
  const field = (name: string, value: string) => el('field', ns.form, { var: name }, el('value', ns.form, {}, value));
  return el(
    'query',
    ns.mucOwner,
    {},
    el('x', ns.form, { type: 'submit' }, field('FORM_TYPE', 'http://jabber.org/protocol/muc#roomconfig'), field('muc#roomconfig_membersonly', on ? '1' : '0')),
  );
}

/** Makes members of those who are in the room, so that they stay when it gets a lobby. */
export function printMembers(jids: readonly string[]): Xml {
  return el('query', ns.mucAdmin, {}, ...jids.map((jid) => el('item', ns.mucAdmin, { affiliation: 'member', jid: bare(jid) })));
}
