import type { ReadonlySignal } from '@preact/signals-core';
import { tf } from '../../../i18n/frame.ts';
import { t } from '../../../i18n/i18n.ts';
import { Icon } from '../../../kit/icons.tsx';
import { Avatar, hueOf, Voice } from '../../../kit/Person.tsx';
import { weak } from '../../model/quality.ts';
import type { Participant } from '../../model/types.ts';
import { mirror } from '../app/settings.ts';
import { displayName } from '../app/words.ts';
import { type Place, placed } from './layout.ts';
import { Video } from './Video.tsx';

interface TileProps {
  readonly place: Place;
  readonly person: Participant;
  readonly speaking: ReadonlySignal<string | null>;
  readonly pinned: boolean;
  /** Nothing comes from the bridge any more. */
  readonly frozen: boolean;
  readonly pin: () => void;
}

/** One picture of one person, or their avatar. */
export function Tile({ place, person, speaking, pinned, frozen, pin }: TileProps) {
  const { box, role, picture } = place;
  const screen = picture === 'screen';
  const stream = screen ? person.screen.value : person.camera.value;
  const name = displayName(person);
  const speaks = !screen && speaking.value === person.id && !person.audioMuted.value;
  const away = person.reach.value === 'interrupted';
  const still = frozen && !person.local && stream !== null && !away;
  const weakly = !person.local && !screen && person.quality.value < weak;
  const names = ['tile', `tile-${role}`, speaks ? 'tile-speaking' : '', away || still ? 'tile-away' : '', still ? 'tile-still' : '', stream ? '' : 'tile-empty'];
  return (
    <li
      class={names.filter(Boolean).join(' ')}
      data-endpoint={person.id}
      data-picture={picture}
      style={{
        '--person-h': String(hueOf(name)),
        ...placed(box),
        '--avatar': `${Math.round(Math.min(box.width, box.height) * (role === 'strip' ? 0.42 : 0.36))}px`,
      }}
    >
      {stream ? <Video stream={stream} mirrored={person.local && !screen && mirror.value} whole={screen} /> : null}
      {stream || screen ? null : <Avatar name={name} />}
      {screen && !stream ? <p class="tile-wait">{person.local ? t('sharing.text') : t('tile.screen-starting', { name })}</p> : null}
      <button type="button" class="tile-pin" aria-pressed={pinned} aria-label={t('tile.pin', { name: tagText(person, name, screen) })} title={pinned ? t('tile.unpin') : t('tile.pin-hint')} onClick={pin} />
      <span class="tile-tag">
        {pinned ? <Icon name="pin" size={15} /> : null}
        {screen ? <Icon name="screen" size={15} /> : <Sound person={person} speaks={speaks} />}
        {weakly ? (
          <span class="tile-weak">
            <Icon name="bars" size={15} />
            <span class="sr-only">{tf('tile.weak')}</span>
          </span>
        ) : null}
        <span class="tile-name" dir="auto">{tagText(person, name, screen)}</span>
      </span>
      {person.raisedHand.value > 0 && !screen ? (
        <span class="tile-hand">
          <Icon name="hand" size={18} />
          <span class="sr-only">{t('tile.hand')}</span>
        </span>
      ) : null}
      {away || still ? (
        <span class="tile-away-tag">
          <Icon name="signal" size={16} />
          {away ? t('tile.interrupted') : tf('tile.frozen')}
        </span>
      ) : null}
    </li>
  );
}

function tagText(person: Participant, name: string, screen: boolean): string {
  if (screen) return person.local ? t('tile.own-screen') : t('tile.screen', { name });
  return person.local ? t('person.you') : name;
}

function Sound({ person, speaks }: { readonly person: Participant; readonly speaks: boolean }) {
  if (person.audioMuted.value) {
    return (
      <span class="tile-muted">
        <Icon name="mic-off" size={15} />
        <span class="sr-only">{t('tile.muted')}</span>
      </span>
    );
  }
  return speaks || person.local ? <Voice level={person.level} /> : null;
}
