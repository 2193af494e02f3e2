// The way to the others who draw on the same board: Socket.IO with the events of
// jitsi/excalidraw-backend, and in them what Excalidraw's pages tell each other, sealed.

import { signal, type ReadonlySignal } from '@preact/signals-core';
import { io } from 'socket.io-client';

import { object, text, type Json } from '../../../xmpp/json.ts';
import { sealWith, type Seal } from './seal.ts';

/** A board: where it is, and what it is sealed with. */
export interface BoardPlace {
  readonly id: string;
  readonly key: string;
}

/** What pages tell each other; the payload is Excalidraw's. */
export interface BoardMessage {
  readonly type: string;
  readonly payload: Json;
}

export interface Relay {
  /** We are at the board, and so is what we send. */
  readonly there: ReadonlySignal<boolean>;
  /** Ids of all who are, ourselves too, in the order of their coming. */
  readonly people: ReadonlySignal<readonly string[]>;
  /** Our own id, '' while there is no connection. */
  id(): string;
  /** volatile: not worth waiting for. */
  send(message: BoardMessage, volatile?: boolean): void;
  close(): void;
}

export interface Ears {
  /** We have come to the board, or have come back. */
  entered(): void;
  /** Somebody has come who has nothing yet. */
  newcomer(): void;
  told(message: BoardMessage): void;
}

/** Between tries to connect, in milliseconds: the box is back after a second or two. */
const patience = { reconnectionDelay: 500, reconnectionDelayMax: 3_000, timeout: 10_000 };

/** How many of those who have been there longest answer a newcomer: one of them may have just come. */
const answering = 2;

export function connect(server: string, place: BoardPlace, ears: Ears): Relay {
  const there = signal(false);
  const people = signal<readonly string[]>([]);
  const seal = sealWith(place.key);
  // Sealing and opening take turns, so that nothing overtakes.
  let sending: Promise<unknown> = seal.catch(() => undefined);
  let hearing: Promise<unknown> = sending;

  const socket = io(server, { transports: ['websocket'], query: { roomId: place.id }, ...patience });
  socket.on('init-room', () => socket.emit('join-room', place.id));
  socket.on('new-user', () => {
    const at = people.peek().indexOf(socket.id ?? '');
    if (at < answering) ears.newcomer();
  });
  socket.on('room-user-change', (ids: unknown) => {
    if (!Array.isArray(ids)) return;
    people.value = ids.map(text);
    if (there.peek() || !people.peek().includes(socket.id ?? '')) return;
    there.value = true;
    ears.entered();
  });
  socket.on('client-broadcast', (data: unknown, iv: unknown) => {
    hearing = hearing.then(() => hear(data, iv)).catch(() => undefined); // of another key, or no message
  });
  socket.on('disconnect', () => {
    there.value = false;
    people.value = [];
  });

  async function hear(data: unknown, iv: unknown): Promise<void> {
    if (!(data instanceof ArrayBuffer) || !(iv instanceof ArrayBuffer)) return;
    const message = object(await (await seal).open(data, iv));
    ears.told({ type: text(message['type']), payload: object(message['payload']) });
  }

  async function say(message: BoardMessage, volatile: boolean): Promise<void> {
    const { data, iv } = await ((await seal) satisfies Seal).close(message);
    // What is kept for later would be old by then; who comes back tells all.
    if (!there.peek()) return;
    socket.emit(volatile ? 'server-volatile-broadcast' : 'server-broadcast', place.id, data, iv);
  }

  return {
    there,
    people,
    id: () => socket.id ?? '',
    send(message, volatile = false) {
      if (there.peek()) sending = sending.then(() => say(message, volatile)).catch(() => undefined);
    },
    close: () => void socket.close(),
  };
}
