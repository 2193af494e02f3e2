// The chat. Own messages to the room are shown at once and are `sending` until the room reflects
// them, which also fixes their place. Each room of a meeting has a chat of its own: what is said in a
// breakout room stays there.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { ChatMessage, ChatPerson } from './types.ts';

export interface Incoming {
  readonly id: string;
  readonly from: string;
  readonly name: string;
  readonly own: boolean;
  readonly text: string;
  readonly time: number;
  readonly private: ChatPerson | null;
  readonly replyTo: string;
  /** From before we came: no news. */
  readonly past?: boolean;
}

export interface Chat {
  readonly messages: ReadonlySignal<readonly ChatMessage[]>;
  readonly unread: ReadonlySignal<number>;
  /** Shows an own message. */
  sending(message: Incoming): void;
  received(message: Incoming): void;
  /** Somebody's reactions to a message; they add up. */
  reacted(to: string, by: ChatPerson, own: boolean, emojis: readonly string[]): void;
  /** Its author took a message back. */
  retracted(id: string, from: string): void;
  refused(id: string): boolean;
  find(id: string): ChatMessage | undefined;
  /** Own messages to the room it has not reflected, oldest first. */
  unconfirmed(): readonly ChatMessage[];
  reading(open: boolean): void;
  /** Another room of the meeting: its chat from now on. */
  enter(room: string): void;
}

/** Older messages are dropped: the page runs for a day in a meeting room. */
const most = 2000;

/** home: the room that one begins in. */
export function createChat(home: string): Chat {
  const rooms = new Map<string, readonly ChatMessage[]>();
  const messages = signal<readonly ChatMessage[]>([]);
  const unread = signal(0);
  let room = home;
  let open = false;

  function add(message: ChatMessage): void {
    messages.value = [...messages.value, message].slice(-most);
  }

  function change(id: string, how: (m: ChatMessage) => ChatMessage): void {
    messages.value = messages.value.map((m) => (m.id === id ? how(m) : m));
  }

  function show(m: Incoming, delivery: ChatMessage['delivery']): void {
    const { past: _, ...rest } = m;
    add({ ...rest, delivery, reactions: [], retracted: false });
  }

  return {
    messages,
    unread,
    sending(m) {
      // Private messages are not reflected to their sender.
      show(m, m.private === null ? 'sending' : 'sent');
    },
    received(m) {
      const known = messages.value.find((x) => x.id === m.id && (x.own === m.own || m.past));
      if (known && m.own && known.delivery !== 'sent') {
        messages.value = [...messages.value.filter((x) => x !== known), { ...known, time: m.time, delivery: 'sent' }];
        return;
      }
      // A repeated one, after a reconnect, changes nothing.
      if (known && (m.own || m.past || known.from === m.from)) return;
      show(m, 'sent');
      if (!open && !m.own && !m.past) unread.value += 1;
    },
    reacted(to, by, own, emojis) {
      change(to, (m) => {
        let { reactions } = m;
        for (const emoji of emojis) {
          const there = reactions.find((r) => r.emoji === emoji);
          if (there?.by.some((p) => p.id === by.id)) continue;
          const next = { emoji, by: [...(there?.by ?? []), by], own: own || (there?.own ?? false) };
          reactions = there ? reactions.map((r) => (r === there ? next : r)) : [...reactions, next];
        }
        return { ...m, reactions };
      });
    },
    retracted(id, from) {
      change(id, (m) => (m.from === from ? { ...m, text: '', reactions: [], retracted: true } : m));
    },
    refused(id) {
      const mine = messages.value.find((x) => x.id === id && x.own);
      if (!mine) return false;
      change(id, (x) => ({ ...x, delivery: 'refused' }));
      return true;
    },
    find: (id) => messages.peek().find((m) => m.id === id),
    unconfirmed: () => messages.value.filter((m) => m.own && m.delivery === 'sending'),
    reading(now) {
      open = now;
      if (now) unread.value = 0;
    },
    enter(next) {
      if (next === room) return;
      rooms.set(room, messages.peek());
      room = next;
      messages.value = rooms.get(room) ?? [];
    },
  };
}
