// Who has spoken for how long. The service counts for those who come later, from each client's word
// that it is the dominant speaker; what happens while we are here we count ourselves, as it does.

import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals-core';

import { count, object, text } from '../../../xmpp/json.ts';
import { printSpeaking } from '../../../xmpp/moderation.ts';
import type { Wire } from '../wire.ts';

export interface Speaker {
  readonly id: string;
  readonly name: string;
  readonly own: boolean;
  /** Still in the meeting. */
  readonly here: boolean;
  readonly speaking: boolean;
  /** Milliseconds, up to the time that was asked for. */
  readonly total: number;
}

export interface Speakers {
  readonly available: ReadonlySignal<boolean>;
  /** Everybody, who has spoken most first. Reads signals; `at` is the time to count up to. */
  at(time: number): readonly Speaker[];
}

interface Count {
  readonly name: string;
  readonly total: number;
}

export function createSpeakers(wire: Wire, now: () => number = Date.now): Speakers {
  // By participant id; who left keeps what they had.
  const counts = signal<ReadonlyMap<string, Count>>(new Map());
  const speaking = signal<{ readonly id: string; readonly since: number } | null>(null);

  const idOf = (endpoint: string) => wire.who(endpoint)?.id ?? endpoint;
  const nameOf = (id: string) => (id === wire.me.id ? wire.me : wire.members.peek().find((m) => m.id === id))?.name.peek() ?? '';

  function stop(): void {
    const s = speaking.peek();
    if (!s) return;
    const before = counts.peek().get(s.id);
    counts.value = new Map(counts.peek()).set(s.id, { name: nameOf(s.id) || (before?.name ?? ''), total: (before?.total ?? 0) + now() - s.since });
    speaking.value = null;
  }

  wire.onFresh(() => {
    // Ours goes on; who speaks is said again.
    stop();
  });
  let room = wire.room.peek();
  wire.onPush('speakerstats', (body) => {
    const next = new Map(room === wire.room.peek() ? counts.peek() : []);
    room = wire.room.peek();
    for (const [endpoint, v] of Object.entries(object(body['users']))) {
      const id = idOf(endpoint);
      const total = count(object(v)['totalDominantSpeakerTime']);
      next.set(id, { name: text(object(v)['displayName']) || nameOf(id), total: Math.max(total, next.get(id)?.total ?? 0) });
    }
    counts.value = next;
  });
  effect(() => {
    const id = wire.dominantSpeaker.value;
    untracked(() => {
      stop();
      if (id === null) return;
      speaking.value = { id, since: now() };
      // Each client speaks for itself.
      if (id === wire.me.id) wire.send('speakerstats', printSpeaking(wire.room.peek(), false));
    });
  });

  return {
    available: computed(() => wire.services.value.has('speakerstats')),
    at(time) {
      const here = [wire.me, ...wire.members.value];
      const s = speaking.value;
      const all = new Map<string, Speaker>();
      const put = (id: string, name: string, isHere: boolean) => {
        const since = s?.id === id ? Math.max(time - s.since, 0) : 0;
        all.set(id, { id, name, own: id === wire.me.id, here: isHere, speaking: s?.id === id, total: (counts.value.get(id)?.total ?? 0) + since });
      };
      for (const p of here) put(p.id, p.name.value, true);
      for (const [id, c] of counts.value) if (!all.has(id)) put(id, c.name, false);
      return [...all.values()].toSorted((a, b) => b.total - a.total);
    },
  };
}
