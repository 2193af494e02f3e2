import type { ReadonlySignal } from '@preact/signals-core';
import { useEffect } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { announce } from '../../../kit/Live.tsx';
import { reactions as emojis, type Flying as One, type Reaction, type Reactions } from '../../model/together/reactions.ts';
import { reactionSound } from '../app/settings.ts';
import { chime } from '../room/chime.ts';
import './reactions.css';

/** The reactions that fly over the pictures. */
export function Flying({ reactions, speaker }: { readonly reactions: Reactions; readonly speaker: ReadonlySignal<string> }) {
  return (
    <div class="flying" aria-hidden="true">
      {reactions.flying.value.map((one) => (
        <Fly key={one.id} one={one} speaker={speaker} landed={() => reactions.landed(one.id)} />
      ))}
    </div>
  );
}

/** Each has its own notes (Hz). */
const notes: Readonly<Record<Reaction, readonly number[]>> = {
  like: [523.25, 659.25],
  clap: [392, 392, 523.25],
  laugh: [659.25, 587.33, 659.25],
  surprised: [440, 880],
  boo: [329.63, 261.63],
  silence: [220],
  love: [523.25, 659.25, 783.99],
};
let quietUntil = 0;

// Many at once are one sound.
function play(reaction: Reaction, speaker: string): void {
  if (Date.now() < quietUntil) return;
  quietUntil = Date.now() + 1_200;
  void chime(speaker, notes[reaction]).catch(() => undefined);
}

interface FlyProps {
  readonly one: One;
  readonly speaker: ReadonlySignal<string>;
  readonly landed: () => void;
}

function Fly({ one, speaker, landed }: FlyProps) {
  const name = one.name || t('person.guest');
  useEffect(() => {
    announce(tt('react.from', { name, reaction: tt(`react.${one.reaction}`) }));
    if (reactionSound.peek()) play(one.reaction, speaker.peek());
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once for each
  }, []);
  return (
    <span class="fly" data-reaction={one.reaction} style={{ insetInlineStart: `${one.at * 100}%` }} onAnimationEnd={landed}>
      {emojis[one.reaction]}
      <span class="fly-name">{name}</span>
    </span>
  );
}
