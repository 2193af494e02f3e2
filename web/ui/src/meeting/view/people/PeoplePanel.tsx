import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { Avatar, Voice } from '../../../kit/Person.tsx';
import { MenuItem, Popover } from '../../../kit/Popover.tsx';
import type { Meeting, Participant } from '../../model/types.ts';
import { displayName } from '../app/words.ts';
import { CopyLink } from '../room/CopyLink.tsx';
import { Panel } from '../room/Panel.tsx';
import './people.css';

interface PeoplePanelProps {
  readonly meeting: Meeting;
  readonly link: string;
  readonly close: () => void;
}

export function PeoplePanel({ meeting, link, close }: PeoplePanelProps) {
  const [removing, setRemoving] = useState<Participant | null>(null);
  const people = meeting.participants.value;
  return (
    <Panel title={t('people.title-n', { n: people.length })} close={close}>
      <ul class="people">
        {handsFirst(people).map((person) => (
          <Row key={person.id} meeting={meeting} person={person} remove={() => setRemoving(person)} />
        ))}
      </ul>
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

interface RowProps {
  readonly meeting: Meeting;
  readonly person: Participant;
  readonly remove: () => void;
}

function Row({ meeting, person, remove }: RowProps) {
  const name = displayName(person);
  const muted = person.audioMuted.value;
  return (
    <li class="person" data-endpoint={person.id}>
      <Avatar name={name} />
      <span class="person-text">
        <span class="person-name">{person.local ? t('person.me', { name }) : name}</span>
        {person.moderator.value ? <span class="person-role">{t('person.is-moderator')}</span> : null}
      </span>
      {person.raisedHand.value > 0 ? <State icon="hand" label={t('tile.hand')} look="hand" /> : null}
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
      {meeting.me.moderator.value && !person.local ? <Tools meeting={meeting} person={person} name={name} remove={remove} /> : null}
    </li>
  );
}

interface StateProps {
  readonly icon: 'hand' | 'screen' | 'mic-off' | 'camera' | 'camera-off';
  readonly label: string;
  readonly look: 'on' | 'off' | 'hand';
}

function State({ icon, label, look }: StateProps) {
  return (
    <span class={`person-state person-state-${look}`} title={label}>
      <Icon name={icon} size={18} />
      <span class="sr-only">{label}</span>
    </span>
  );
}

interface ToolsProps {
  readonly meeting: Meeting;
  readonly person: Participant;
  readonly name: string;
  readonly remove: () => void;
}

/** What a moderator can do about somebody. Nobody can switch on somebody else's microphone. */
function Tools({ meeting, person, name, remove }: ToolsProps) {
  return (
    <Popover
      label={t('people.tools', { name })}
      role="menu"
      side="below"
      align="end"
      trigger={(open, toggle) => (
        <IconButton label={t('people.tools', { name })} look="plain" small popup="menu" expanded={open} onClick={toggle}>
          <Icon name="more" size={20} />
        </IconButton>
      )}
    >
      {(close) => {
        const item = (icon: 'mic-off' | 'camera-off' | 'screen' | 'crown', text: string, act: () => void) => (
          <MenuItem
            icon={icon}
            onClick={() => {
              act();
              close();
            }}
          >
            {text}
          </MenuItem>
        );
        return (
          <>
            {person.audioMuted.value ? null : item('mic-off', t('people.mute'), () => void meeting.mute(person.id, 'audio'))}
            {person.videoMuted.value ? null : item('camera-off', t('people.stop-video'), () => void meeting.mute(person.id, 'video'))}
            {person.sharing.value ? item('screen', t('people.stop-screen'), () => void meeting.mute(person.id, 'screen')) : null}
            {person.moderator.value ? null : item('crown', t('people.grant'), () => void meeting.grantModerator(person.id))}
            <MenuItem
              icon="remove"
              danger
              onClick={() => {
                close();
                remove();
              }}
            >
              {t('people.remove-menu')}
            </MenuItem>
          </>
        );
      }}
    </Popover>
  );
}
