import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { Avatar, Voice } from '../../../kit/Person.tsx';
import type { Meeting, Participant } from '../../model/types.ts';
import { displayName } from '../app/words.ts';
import { CopyLink } from '../room/CopyLink.tsx';
import { Panel } from '../room/Panel.tsx';
import { Rules } from './Rules.tsx';
import { Tools } from './Tools.tsx';
import './people.css';

interface PeoplePanelProps {
  readonly meeting: Meeting;
  readonly link: string;
  readonly close: () => void;
  /** Opens the chat with somebody. */
  readonly write: (person: string) => void;
}

/** From so many on there is a field to search them. */
const many = 8;

export function PeoplePanel({ meeting, link, close, write }: PeoplePanelProps) {
  const [removing, setRemoving] = useState<Participant | null>(null);
  const [wanted, setWanted] = useState('');
  const people = meeting.participants.value;
  const sorted = handsFirst(people);
  const hands = sorted.filter((p) => p.raisedHand.value > 0);
  const needle = folded(wanted);
  const shown = needle === '' ? sorted : sorted.filter((p) => folded(displayName(p)).includes(needle));
  const moderation = meeting.me.moderator.value ? meeting.together.value?.moderation : undefined;
  return (
    <Panel title={t('people.title-n', { n: people.length })} close={close}>
      {people.length >= many || wanted !== '' ? (
        <div class="people-search">
          <TextField label={tt('people.search')} hideLabel type="search" placeholder={tt('people.search')} value={wanted} onInput={setWanted} />
        </div>
      ) : null}
      <ul class="people">
        {shown.map((person) => (
          <Row
            key={person.id}
            meeting={meeting}
            person={person}
            turn={hands.indexOf(person) + 1}
            remove={() => setRemoving(person)}
            write={() => write(person.id)}
          />
        ))}
      </ul>
      {shown.length === 0 ? (
        <output class="people-none">{tt('people.nobody')}</output>
      ) : null}
      {moderation && people.length > 1 ? <Rules moderation={moderation} /> : null}
      <div class="people-invite">
        <p>{t('people.invite')}</p>
        <CopyLink link={link} />
      </div>
      {removing ? (
        <Dialog
          title={t('people.remove-title', { name: displayName(removing) })}
          closeLabel={t('dialog.close')}
          onClose={() => setRemoving(null)}
          actions={
            <>
              <Button kind="quiet" onClick={() => setRemoving(null)}>
                {t('dialog.cancel')}
              </Button>
              <Button
                kind="danger"
                onClick={() => {
                  void meeting.kick(removing.id);
                  setRemoving(null);
                }}
              >
                {t('people.remove')}
              </Button>
            </>
          }
        >
          <p>{t('people.remove-text')}</p>
        </Dialog>
      ) : null}
    </Panel>
  );
}

/** Whoever raised a hand is on top, the first one first; the others stay in the order of joining. */
function handsFirst(people: readonly Participant[]): readonly Participant[] {
  const since = (p: Participant) => p.raisedHand.value || Number.POSITIVE_INFINITY;
  return people.toSorted((a, b) => (since(a) === since(b) ? 0 : since(a) - since(b)));
}

/** For comparing: without case and accents. */
function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim();
}

interface RowProps {
  readonly meeting: Meeting;
  readonly person: Participant;
  /** Their place among the raised hands, 0 for none. */
  readonly turn: number;
  readonly remove: () => void;
  readonly write: () => void;
}

function Row({ meeting, person, turn, remove, write }: RowProps) {
  const name = displayName(person);
  const muted = person.audioMuted.value;
  return (
    <li class="person" data-endpoint={person.id}>
      <Avatar name={name} />
      <span class="person-text">
        <span class="person-name">{person.local ? t('person.me', { name }) : <bdi>{name}</bdi>}</span>
        {person.moderator.value ? <span class="person-role">{t('person.is-moderator')}</span> : null}
      </span>
      {turn > 0 ? (
        <span class="person-state person-state-hand" title={tt('people.hand-order', { n: turn })}>
          <Icon name="hand" size={18} />
          <span class="person-turn" aria-hidden="true">
            {turn}
          </span>
          <span class="sr-only">{tt('people.hand-order', { n: turn })}</span>
        </span>
      ) : null}
      {person.sharing.value ? <State icon="screen" label={t('person.sharing')} look="on" /> : null}
      {muted ? (
        <State icon="mic-off" label={t('tile.muted')} look="off" />
      ) : (
        <span class="person-state">
          <Voice level={person.level} />
          <span class="sr-only">{t('person.unmuted')}</span>
        </span>
      )}
      <State
        icon={person.videoMuted.value ? 'camera-off' : 'camera'}
        label={person.videoMuted.value ? t('person.camera-off') : t('person.camera-on')}
        look={person.videoMuted.value ? 'off' : 'on'}
      />
      {person.local ? null : <Tools meeting={meeting} person={person} name={name} remove={remove} write={write} />}
    </li>
  );
}

interface StateProps {
  readonly icon: 'screen' | 'mic-off' | 'camera' | 'camera-off';
  readonly label: string;
  readonly look: 'on' | 'off';
}

function State({ icon, label, look }: StateProps) {
  return (
    <span class={`person-state person-state-${look}`} title={label}>
      <Icon name={icon} size={18} />
      <span class="sr-only">{label}</span>
    </span>
  );
}
