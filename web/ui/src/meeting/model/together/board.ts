// The meeting's whiteboard. A moderator opens it, by saying in the room's settings where it is and
// what it is sealed with, as Jitsi Meet does; from then on everybody has it. What is on it is the
// affair of the pages that show it (model/board/relay.ts, view/board).

import { computed, effect, signal, type ReadonlySignal } from '@preact/signals-core';

import { printMetadata } from '../../../xmpp/moderation.ts';
import { object, text } from '../../../xmpp/json.ts';
import type { BoardPlace } from '../board/relay.ts';
import type { Json, Wire } from '../wire.ts';

export interface Board {
  /** There is one, or we may open one. */
  readonly available: ReadonlySignal<boolean>;
  /** null while nobody has opened it. */
  readonly place: ReadonlySignal<BoardPlace | null>;
  /** Whether we look at it. */
  readonly shown: ReadonlySignal<boolean>;
  /** Base address of the relay. */
  readonly server: string;
  /** Opens it for everybody when it is not, and looks at it. */
  open(): Promise<void>;
  /** Takes it out of our own sight. */
  hide(): void;
}

/** The key in the room's settings. */
const setting = 'whiteboard';

export function createBoard(wire: Wire, metadata: ReadonlySignal<Json>): Board {
  const shown = signal(false);
  const place = signal<BoardPlace | null>(null);
  effect(() => {
    const details = object(object(metadata.value[setting])['collabDetails']);
    const now = { id: text(details['roomId']), key: text(details['roomKey']) };
    const before = place.peek();
    if (wire.boards === '' || now.id === '' || now.key === '') place.value = null;
    else if (before?.id !== now.id || before.key !== now.key) place.value = now;
  });
  // Everybody sees it as soon as it is there.
  effect(() => {
    shown.value = place.value !== null;
  });

  return {
    available: computed(() => place.value !== null || (wire.boards !== '' && wire.services.value.has('room_metadata') && wire.me.moderator.value)),
    place,
    shown,
    server: wire.boards,
    async open() {
      if (place.peek()) {
        shown.value = true;
        return;
      }
      const { newKey } = await import('../board/seal.ts');
      const details = { roomId: wire.newId(), roomKey: await newKey() };
      wire.send('room_metadata', printMetadata(wire.room.peek(), setting, { collabDetails: details, collabServerUrl: wire.boards }));
    },
    hide() {
      shown.value = false;
    },
  };
}
