import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon, type IconName } from '../../../kit/icons.tsx';
import { MenuGroup, MenuItem, Popover } from '../../../kit/Popover.tsx';
import type { Meeting, Participant } from '../../model/types.ts';

interface ToolsProps {
  readonly meeting: Meeting;
  readonly person: Participant;
  readonly name: string;
  readonly remove: () => void;
  readonly write: () => void;
}

/** What can be done about somebody: by anybody, and by moderators. Nobody can switch on somebody else's microphone. */
export function Tools({ meeting, person, name, remove, write }: ToolsProps) {
  const moderating = meeting.me.moderator.value;
  const label = moderating ? t('people.tools', { name }) : tt('people.tools-guest', { name });
  return (
    <Popover
      label={label}
      role="menu"
      side="below"
      align="end"
      sheet
      trigger={(open, toggle) => (
        <IconButton label={label} look="plain" small popup="menu" expanded={open} onClick={toggle}>
          <Icon name="more" size={20} />
        </IconButton>
      )}
    >
      {(close) => {
        const then = (act: () => void) => () => {
          close();
          act();
        };
        return (
          <>
            {moderating ? <Moderate meeting={meeting} person={person} name={name} then={then} /> : null}
            <MenuGroup label={tt('more.together')}>
              <MenuItem icon="chat" onClick={then(write)}>
                {tt('people.message')}
              </MenuItem>
            </MenuGroup>
            {moderating ? (
              <MenuGroup label={tt('more.meeting')}>
                {person.moderator.value ? null : (
                  <MenuItem icon="crown" onClick={then(() => void meeting.grantModerator(person.id))}>
                    {t('people.grant')}
                  </MenuItem>
                )}
                <MenuItem icon="remove" danger onClick={then(remove)}>
                  {t('people.remove-menu')}
                </MenuItem>
              </MenuGroup>
            ) : null}
          </>
        );
      }}
    </Popover>
  );
}

interface ModerateProps {
  readonly meeting: Meeting;
  readonly person: Participant;
  readonly name: string;
  readonly then: (act: () => void) => () => void;
}

function Moderate({ meeting, person, name, then }: ModerateProps) {
  const moderation = meeting.together.value?.moderation;
  const item = (icon: IconName, text: string, act: () => void) => (
    <MenuItem icon={icon} onClick={then(act)}>
      {text}
    </MenuItem>
  );
  // Only while unmuting is moderated is there something to allow.
  const allowed = (medium: 'audio' | 'video') => (moderation?.on.value[medium] && !person.moderator.value ? moderation.mayOther(person, medium) : null);
  return (
    <MenuGroup label={t('people.tools', { name })}>
      {person.audioMuted.value ? null : item('mic-off', t('people.mute'), () => void meeting.mute(person.id, 'audio'))}
      {person.videoMuted.value ? null : item('camera-off', t('people.stop-video'), () => void meeting.mute(person.id, 'video'))}
      {person.sharing.value ? item('screen', t('people.stop-screen'), () => void meeting.mute(person.id, 'screen')) : null}
      {allowed('audio') === false ? item('mic', tt('people.ask-unmute'), () => moderation?.allow(person.id, 'audio', true)) : null}
      {allowed('audio') ? item('mic-off', tt('people.take-back-audio'), () => moderation?.allow(person.id, 'audio', false)) : null}
      {allowed('video') === false ? item('camera', tt('people.allow-video'), () => moderation?.allow(person.id, 'video', true)) : null}
      {allowed('video') ? item('camera-off', tt('people.take-back-video'), () => moderation?.allow(person.id, 'video', false)) : null}
      {item('mic-off', tt('people.mute-others', { name }), () => void moderation?.muteAll('audio', [person.id]))}
    </MenuGroup>
  );
}
