// Reactions: pictures that fly over the meeting and are gone. They go from page to page through the
// bridge, in the form of Jitsi's clients.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import { array } from '../../../xmpp/json.ts';
import type { Participant } from '../types.ts';
import type { Wire } from '../wire.ts';

/** The six, by their names on the wire; `love` came later and is understood. */
export const reactions = {
  like: '👍',
  clap: '👏',
  laugh: '😀',
  surprised: '😮',
  boo: '🙁',
  silence: '😶',
  love: '💖',
} as const;

export type Reaction = keyof typeof reactions;

/** Those that there are buttons for. */
export const offered = ['like', 'clap', 'laugh', 'surprised', 'boo', 'silence'] as const satisfies readonly Reaction[];

/** One that flies. */
export interface Flying {
  readonly id: number;
  readonly reaction: Reaction;
  readonly name: string;
  /** Where across the picture, 0 to 1. */
  readonly at: number;
}

export interface Reactions {
  readonly flying: ReadonlySignal<readonly Flying[]>;
  /** false: too many in too short a time. */
  send(reaction: Reaction): boolean;
  /** It has flown by. */
  landed(id: number): void;
}

/** What is sent within this time goes as one message (ms). */
const gather = 500;
/** Of one person, in `window` ms: a held key must not rain on everybody. */
const mostOfOne = 10;
const window = 5_000;
const mostAtOnce = 50;

export function createReactions(wire: Wire, now: () => number = Date.now): Reactions {
  const flying = signal<readonly Flying[]>([]);
  const lately = new Map<string, readonly number[]>();
  let buffer: Reaction[] = [];
  let next = 0;

  /** Whether that person may send one more now. */
  function allow(who: string): boolean {
    const times = (lately.get(who) ?? []).filter((t) => t > now() - window);
    const ok = times.length < mostOfOne;
    lately.set(who, ok ? [...times, now()] : times);
    return ok;
  }

  function show(reaction: Reaction, who: Participant): void {
    // Spread evenly and never twice in the same place, without being random.
    const at = ((next * 0.618) % 1) * 0.8 + 0.1;
    flying.value = [...flying.peek(), { id: ++next, reaction, name: who.name.peek(), at }].slice(-mostAtOnce);
  }

  wire.onTold('endpoint-reaction', (from, payload) => {
    for (const r of array(payload['reactions'])) {
      if (typeof r === 'string' && Object.hasOwn(reactions, r) && allow(from.id)) show(r as Reaction, from);
    }
  });
  wire.onFresh(() => {
    flying.value = [];
  });

  return {
    flying,
    send(reaction) {
      if (!allow(wire.me.id)) return false;
      show(reaction, wire.me);
      if (buffer.length === 0) {
        setTimeout(() => {
          wire.tell({ name: 'endpoint-reaction', reactions: buffer, timestamp: now() });
          buffer = [];
        }, gather);
      }
      buffer.push(reaction);
      return true;
    },
    landed(id) {
      flying.value = flying.peek().filter((f) => f.id !== id);
    },
  };
}
