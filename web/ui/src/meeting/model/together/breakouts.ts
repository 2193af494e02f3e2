// Breakout rooms: who is where, going there and back, and what moderators do with them.

import { computed, signal, type ReadonlySignal } from '@preact/signals-core';

import { resource } from '../../../xmpp/jid.ts';
import { parseBreakoutPush, printAddRoom, printMove, printRemoveRoom, printRenameRoom, type BreakoutRoom } from '../../../xmpp/breakout.ts';
import type { Wire } from '../wire.ts';

export type { BreakoutPerson, BreakoutRoom } from '../../../xmpp/breakout.ts';

export interface Breakouts {
  readonly available: ReadonlySignal<boolean>;
  /** The main room first, the others in the order of their names; empty while there are no others. */
  readonly rooms: ReadonlySignal<readonly BreakoutRoom[]>;
  /** Bare JID of the main room. */
  readonly home: string;
  /** Where we are. */
  readonly here: ReadonlySignal<string>;
  /** We are in a breakout room. */
  readonly away: ReadonlySignal<boolean>;
  /** The number of the next room, for its name. */
  readonly next: ReadonlySignal<number>;
  /** Goes to a room ourselves. */
  join(room: string): void;

  // Moderators only; the service refuses others.
  add(name: string): void;
  rename(room: string, name: string): void;
  remove(room: string): void;
  /** Sends somebody; address as in the list. */
  send(address: string, room: string): void;
  /** Spreads all who are in the main room evenly over the breakout rooms. */
  assign(): void;
  /** Sends everybody to the main room. */
  bringBack(): void;
}

/** Who arrives in a room so many milliseconds after everybody was called back was on the way there, and is called too. */
const recallTime = 5000;

export function createBreakouts(wire: Wire, random: () => number = Math.random): Breakouts {
  const rooms = signal<readonly BreakoutRoom[]>([]);
  const counter = signal(0);
  let recall = { until: 0, called: new Set<string>() };

  wire.onPush('breakout_rooms', (body) => {
    const push = parseBreakoutPush(body);
    if (push?.kind === 'update') {
      const order = (r: BreakoutRoom) => (r.main ? '' : r.name);
      const list = push.rooms.toSorted((a, b) => Number(b.main) - Number(a.main) || order(a).localeCompare(order(b), undefined, { numeric: true }));
      rooms.value = list.some((r) => !r.main) ? list : [];
      counter.value = push.counter;
      if (Date.now() < recall.until) callBack();
      return;
    }
    if (push?.kind !== 'move') return;
    const target = rooms.peek().find((r) => r.jid === push.room);
    // The service only sends to rooms that it has told of, or home.
    if (!target && push.room !== wire.home) return;
    wire.notice({ kind: 'moved', room: target && !target.main ? target.name : '' });
    wire.moveTo(push.room);
  });

  const others = () => rooms.peek().filter((r) => !r.main);

  function move(address: string, room: string): void {
    wire.send('breakout_rooms', printMove(address, room));
  }

  function send(address: string, room: string): void {
    recall.until = 0;
    move(address, room);
  }

  /** Everybody but us who is in a room and was not called yet. */
  function callBack(): void {
    for (const p of others().flatMap((r) => r.people)) {
      if (resource(p.address) === wire.endpoint() || recall.called.has(p.address)) continue;
      recall.called.add(p.address);
      move(p.address, wire.home);
    }
  }

  return {
    available: computed(() => wire.services.value.has('breakout_rooms')),
    rooms,
    home: wire.home,
    here: wire.room,
    away: computed(() => wire.room.value !== wire.home),
    next: computed(() => counter.value + 1),
    join: (room) => wire.moveTo(room),
    add(name) {
      wire.send('breakout_rooms', printAddRoom(name));
    },
    rename(room, name) {
      wire.send('breakout_rooms', printRenameRoom(room, name));
    },
    remove(room) {
      wire.send('breakout_rooms', printRemoveRoom(room));
    },
    send,
    assign() {
      const targets = others();
      if (targets.length === 0) return;
      const people = shuffled(rooms.peek().find((r) => r.main)?.people.filter((p) => !p.moderator) ?? [], random);
      // Those who are there already count.
      const full = new Map(targets.map((r) => [r.jid, r.people.length]));
      for (const p of people) {
        const [least] = targets.toSorted((a, b) => (full.get(a.jid) ?? 0) - (full.get(b.jid) ?? 0));
        if (!least) return;
        full.set(least.jid, (full.get(least.jid) ?? 0) + 1);
        send(p.address, least.jid);
      }
    },
    bringBack() {
      recall = { until: Date.now() + recallTime, called: new Set() };
      callBack();
      // We go last: in the main room there is nobody to send from here.
      if (wire.room.peek() !== wire.home) wire.moveTo(wire.home);
    },
  };
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}
