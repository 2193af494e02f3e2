// What moderators ask of focus and room. The server refuses others.

import { bare } from '../../xmpp/jid.ts';
import { ns } from '../../xmpp/ns.ts';
import { el } from '../../xmpp/xml.ts';
import type { Room } from './room.ts';
import type { Roster } from './roster.ts';
import type { Meeting } from './types.ts';

type Orders = Pick<Meeting, 'mute' | 'kick' | 'grantModerator' | 'setPassword' | 'setLobby' | 'admit' | 'turnAway'>;

interface OrdersOptions {
  readonly room: Room;
  readonly roster: Roster;
  /** Of a participant in the room. */
  readonly addressOf: (participant: string) => string;
  readonly endpointOf: (participant: string) => string;
}

export function createOrders({ room, roster, addressOf, endpointOf }: OrdersOptions): Orders {
  return {
    async mute(participant, media) {
      const namespace = media === 'audio' ? ns.muteAudio : media === 'video' ? ns.muteVideo : ns.muteScreen;
      await room.toFocus(el('mute', namespace, { jid: addressOf(participant) }, 'true'));
    },
    async kick(participant) {
      await room.toRoom(el('query', ns.mucAdmin, {}, el('item', ns.mucAdmin, { nick: endpointOf(participant), role: 'none' })));
    },
    async grantModerator(participant) {
      const jid = bare(roster.byId(participant)?.jid ?? '');
      await room.toRoom(el('query', ns.mucAdmin, {}, el('item', ns.mucAdmin, { affiliation: 'owner', jid })));
    },
    setPassword: room.setPassword,
    // Owners and administrators would lose their place to that of a member.
    setLobby: (on) => room.setLobby(on, roster.members.peek().filter((m) => m.affiliation === 'none').map((m) => m.jid)),
    admit: room.admit,
    turnAway: room.turnAway,
  };
}
