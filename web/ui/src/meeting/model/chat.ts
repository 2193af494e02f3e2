// The chat. Own messages to the room are shown at once and are `sending` until the room reflects
// them, which also fixes their place.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { ChatMessage } from './types.ts';

export interface Incoming {
  readonly id: string;
  readonly from: string;
  readonly name: string;
  readonly own: boolean;
  readonly text: string;
  readonly time: number;
  readonly private: string | null;
}

export interface Chat {
  readonly messages: ReadonlySignal<readonly ChatMessage[]>;
  readonly unread: ReadonlySignal<number>;
  /** Shows an own message. */
  sending(message: Incoming): void;
  received(message: Incoming): void;
  refused(id: string): boolean;
  /** Own messages to the room it has not reflected, oldest first. */
  unconfirmed(): readonly ChatMessage[];
  reading(open: boolean): void;
}

/** Older messages are dropped: the page runs for a day in a meeting room. */
const most = 2000;

export function createChat(): Chat {
  const messages = signal<readonly ChatMessage[]>([]);
  const unread = signal(0);
  let open = false;

  function add(message: ChatMessage): void {
    messages.value = [...messages.value, message].slice(-most);
  }

  return {
    messages,
    unread,
    sending(m) {
      // Private messages are not reflected to their sender.
      add({ ...m, delivery: m.private === null ? 'sending' : 'sent' });
    },
    received(m) {
      if (m.own) {
        const mine = messages.value.find((x) => x.id === m.id && x.own);
        if (mine) {
          // A repeated one, after a resumed stream, changes nothing.
          if (mine.delivery === 'sent') return;
          messages.value = [...messages.value.filter((x) => x !== mine), { ...mine, time: m.time, delivery: 'sent' }];
          return;
        }
      }
      add({ ...m, delivery: 'sent' });
      if (!open && !m.own) unread.value += 1;
    },
    refused(id) {
      const mine = messages.value.find((x) => x.id === id && x.own);
      if (!mine) return false;
      messages.value = messages.value.map((x) => (x === mine ? { ...x, delivery: 'refused' } : x));
      return true;
    },
    unconfirmed: () => messages.value.filter((m) => m.own && m.delivery === 'sending'),
    reading(now) {
      open = now;
      if (now) unread.value = 0;
    },
  };
}
