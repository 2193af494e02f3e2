// What the bridge is told of pictures: which ones we want in which size, and which ones we send; and
// how much of ours it may have.

import { computed, untracked, type ReadonlySignal } from '@preact/signals-core';

import { printVideoConstraints, printVideoType } from '../../xmpp/colibri.ts';
import { constraintsFor } from './constraints.ts';
import { sendLimit, type PictureQuality } from './pictureQuality.ts';
import { pictureSource, type Member } from './roster.ts';
import type { Shown } from './types.ts';

export interface Pictures {
  /** The message that says what we want to see. */
  readonly wanted: ReadonlySignal<string>;
  /** What receivers want of a source of ours at most (height). */
  limited(source: string, maxHeight: number): void;
  /** Gives of that what the person gives. */
  limitCamera(): void;
  /** Tells what our sources show. */
  sayTypes(): void;
  /** Tells all of it: the channel is new. */
  sayAll(): void;
}

interface PicturesOptions {
  readonly shown: ReadonlySignal<readonly Shown[] | null>;
  readonly members: ReadonlySignal<readonly Member[]>;
  readonly quality: ReadonlySignal<PictureQuality>;
  readonly lastN: number;
  readonly cameraMuted: ReadonlySignal<boolean>;
  readonly sharing: ReadonlySignal<boolean>;
  readonly endpoint: () => string;
  readonly tell: (text: string) => void;
  readonly limit: (source: string, maxHeight: number) => void;
}

export function createPictures(options: PicturesOptions): Pictures {
  const { shown, members, quality, lastN, cameraMuted, sharing, endpoint, tell, limit } = options;
  const limits = new Map<string, number>();

  const wanted = computed(() =>
    printVideoConstraints(
      constraintsFor(
        shown.value,
        (s) => {
          const member = members.value.find((m) => m.id === s.participant);
          if (!member) return '';
          const source = pictureSource(member.sources.value, s.picture === 'screen');
          // A camera that is off is asked for already, so that its picture comes at once when it is on.
          return source === '' && s.picture === 'camera' ? `${member.endpoints.value[0]}-v0` : source;
        },
        lastN,
        quality.value,
      ),
    ),
  );

  function limitCamera(): void {
    const now = quality.peek();
    for (const [source, most] of limits) limit(source, source.endsWith('-v0') ? sendLimit(now, most) : most);
  }

  function sayTypes(): void {
    untracked(() => {
      tell(printVideoType(`${endpoint()}-v0`, cameraMuted.value ? 'none' : 'camera'));
      if (sharing.value) tell(printVideoType(`${endpoint()}-v1`, 'desktop'));
    });
  }

  return {
    wanted,
    limited(source, maxHeight) {
      limits.set(source, maxHeight);
      limitCamera();
    },
    limitCamera,
    sayTypes,
    sayAll() {
      tell(wanted.peek());
      sayTypes();
    },
  };
}
