// The chat on the wire: what the person writes becomes messages of the room, and those become lines.

import type { RoomMessage } from '../../xmpp/message.ts';
import { printChat, printReaction, printRetraction, type Address } from '../../xmpp/message.ts';
import type { Xml } from '../../xmpp/xml.ts';
import { createChat, type Chat } from './chat.ts';
import type { ChatPerson, Participant } from './types.ts';

export interface TalkOptions {
  readonly me: Participant;
  readonly newId: () => string;
  readonly send: (x: Xml) => void;
  /** Our endpoint id. */
  readonly endpoint: () => string;
  /** Bare JID of the meeting's main room, and of the one that we are in. */
  readonly home: string;
  readonly room: () => string;
  readonly who: (endpoint: string) => Participant | undefined;
  /** Where somebody is reached, '' when they left. */
  readonly addressOf: (participant: string) => string;
  readonly nameOf: (participant: string) => string;
}

export interface Talk extends Pick<Chat, 'messages' | 'unread' | 'reading' | 'enter' | 'refused'> {
  /** A message to the room, or to one participant; replyTo is the message it answers. */
  say(text: string, to?: string, replyTo?: string): void;
  react(message: string, emoji: string): void;
  retract(message: string): void;
  /** true when the message was one of the chat. */
  receive(m: RoomMessage): boolean;
  /** In the room again: says what the room has not reflected, and what else was lost on the way. */
  sayAgain(lost: readonly Xml[]): void;
}

export function createTalk(o: TalkOptions): Talk {
  const chat = createChat(o.home);

  function whereTo(person: ChatPerson | null): Address | null {
    if (person === null) return { to: o.room(), private: false };
    const to = o.addressOf(person.id);
    return to === '' ? null : { to, private: true };
  }

  function personOf(nick: string, name = ''): { readonly person: ChatPerson; readonly own: boolean } {
    const own = nick === o.endpoint();
    const who = own ? o.me : o.who(nick);
    return { own, person: { id: who?.id ?? nick, name: who?.name.peek() || name } };
  }

  return {
    messages: chat.messages,
    unread: chat.unread,
    reading: chat.reading,
    enter: chat.enter,
    refused: chat.refused,
    say(text, to, replyTo = '') {
      const body = text.trim();
      if (body === '') return;
      const id = o.newId();
      const person = to === undefined ? null : { id: to, name: o.nameOf(to) };
      chat.sending({ id, from: o.me.id, name: o.me.name.peek(), own: true, text: body, time: Date.now(), private: person, replyTo });
      const where = whereTo(person);
      if (where) o.send(printChat(where, id, body, replyTo));
      else chat.refused(id);
    },
    react(message, emoji) {
      const m = chat.find(message);
      const where = m && whereTo(m.private);
      if (!m || !where || m.reactions.some((r) => r.emoji === emoji && r.own)) return;
      chat.reacted(message, { id: o.me.id, name: o.me.name.peek() }, true, [emoji]);
      o.send(printReaction(where, o.newId(), message, emoji));
    },
    retract(message) {
      const m = chat.find(message);
      const where = m && whereTo(m.private);
      if (!m?.own || !where) return;
      chat.retracted(message, m.from);
      o.send(printRetraction(where, o.newId(), message));
    },
    receive(m) {
      switch (m.kind) {
        case 'chat': {
          const { person, own } = personOf(m.nick, m.name);
          chat.received({
            id: m.id === '' ? o.newId() : m.id,
            from: person.id,
            name: person.name,
            own,
            text: m.text,
            time: m.sent ?? Date.now(),
            private: m.private ? person : null,
            replyTo: m.replyTo,
            past: m.sent !== null,
          });
          return true;
        }
        case 'reactions': {
          const { person, own } = personOf(m.nick);
          chat.reacted(m.to, person, own, m.emojis);
          return true;
        }
        case 'retraction':
          chat.retracted(m.of, personOf(m.nick).person.id);
          return true;
        case 'error':
          return chat.refused(m.id);
        default:
          return false;
      }
    },
    sayAgain(lost) {
      const waiting = chat.unconfirmed();
      for (const m of waiting) o.send(printChat({ to: o.room(), private: false }, m.id, m.text, m.replyTo));
      for (const x of lost) if (!waiting.some((m) => m.id === x.attrs['id'])) o.send(x);
    },
  };
}
