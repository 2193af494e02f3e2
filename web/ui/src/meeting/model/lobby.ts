// The room in front of the meeting's room. Somebody who is not let in at once waits in it; moderators are
// in it too, to see who waits.

import { endpointOf } from '../../xmpp/jid.ts';
import { invited, printAdmit, printKnock } from '../../xmpp/lobby.ts';
import { ns } from '../../xmpp/ns.ts';
import { parsePresence, printLeave, refusal } from '../../xmpp/presence.ts';
import { el, type Xml } from '../../xmpp/xml.ts';

/** Somebody who waits. */
export interface Knocker {
  /** Their nick in the lobby. */
  readonly id: string;
  readonly name: string;
  readonly jid: string;
}

export interface LobbyOptions {
  /** Bare JID of the meeting's room. */
  readonly room: string;
  readonly send: (x: Xml) => void;
  readonly iq: (x: Xml) => Promise<Xml>;
  readonly newId: () => string;
  readonly handlers: {
    /** We may enter the meeting now. */
    admitted(): void;
    /** A moderator sent us away. */
    denied(): void;
    /** The meeting is over. */
    ended(): void;
    /** Who waits, the first one first; for moderators. */
    knocking(list: readonly Knocker[]): void;
  };
}

export interface Lobby {
  /** Waits to be let in. */
  knock(address: string, name: string): void;
  /** As a moderator: sees who waits. '' ends that. */
  attend(address: string, name: string): void;
  admit(id: string): void;
  turnAway(id: string): Promise<void>;
  /** A fresh session: whatever was is gone. */
  reset(): void;
  leave(): void;
  /** true when the stanza was the lobby's. */
  presence(x: Xml): boolean;
  message(x: Xml): boolean;
}

export function createLobby(options: LobbyOptions): Lobby {
  const { handlers } = options;
  let address = '';
  let nick = '';
  let waiting = false;
  let knockers: readonly Knocker[] = [];

  const show = (list: readonly Knocker[]) => {
    if (list.length === 0 && knockers.length === 0) return;
    knockers = list;
    handlers.knocking(list);
  };
  const enter = (where: string, name: string) => {
    address = where;
    // Not our endpoint's: who waits is nobody yet.
    nick = endpointOf('');
    options.send(printKnock(`${address}/${nick}`, name));
  };
  const reset = () => {
    address = '';
    waiting = false;
    show([]);
  };
  const leave = () => {
    if (address !== '') options.send(printLeave(`${address}/${nick}`));
    reset();
  };

  return {
    reset,
    leave,
    knock(where, name) {
      waiting = true;
      enter(where, name);
    },
    attend(where, name) {
      if (where === address) return;
      leave();
      if (where !== '') enter(where, name);
    },
    admit(id) {
      const who = knockers.find((k) => k.id === id);
      if (!who) return;
      options.send(printAdmit(options.room, who.jid, options.newId()));
      show(knockers.filter((k) => k !== who));
    },
    async turnAway(id) {
      await options.iq(el('iq', '', { type: 'set', to: address }, el('query', ns.mucAdmin, {}, el('item', ns.mucAdmin, { nick: id, role: 'none' }))));
    },
    presence(x) {
      if (address === '' || !(x.attrs['from'] ?? '').startsWith(`${address}/`)) return false;
      const p = parsePresence(x);
      if (p?.kind === 'available') {
        const { occupant: o } = p;
        if (waiting || o.self || o.nick === nick || o.role === 'moderator') return true;
        show([...knockers.filter((k) => k.id !== o.nick), { id: o.nick, name: o.name, jid: o.jid }]);
      } else if (p?.kind === 'left') {
        const { departure: d } = p;
        if (!d.self && d.nick !== nick) {
          show(knockers.filter((k) => k.id !== d.nick));
          return true;
        }
        const was = waiting;
        reset();
        if (!was) return true;
        if (d.destroyed && d.alternative !== '') handlers.admitted();
        else if (d.destroyed) handlers.ended();
        else if (d.kicked) handlers.denied();
      } else if (p?.kind === 'error' && p.nick === nick && waiting) {
        reset();
        // Nobody is in the meeting any more, so there is no lobby: the door may be open.
        if (refusal(p.error) === 'no-room') handlers.admitted();
        else handlers.denied();
      }
      return true;
    },
    message(x) {
      if (!waiting || !invited(x, options.room)) return false;
      leave();
      handlers.admitted();
      return true;
    },
  };
}
