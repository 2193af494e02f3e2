import type { Signal } from '@preact/signals';
import { t } from '../../../i18n/i18n.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { MenuItem, Popover } from '../../../kit/Popover.tsx';
import type { Tile as Picture } from '../../model/layout.ts';
import type { Meeting, Source } from '../../model/types.ts';
import { speakerView } from '../app/settings.ts';

export type Panel = 'chat' | 'people' | null;

/** What opens over the meeting. */
export type RoomDialog = 'invite' | 'lock' | 'settings' | 'keys';

interface ToolbarProps {
  readonly meeting: Meeting;
  readonly panel: Signal<Panel>;
  readonly pinned: Signal<Picture | null>;
  readonly open: (dialog: RoomDialog) => void;
}

/** What one does all the time, in one row; the rest behind "More". */
export function Toolbar({ meeting, panel, pinned, open }: ToolbarProps) {
  const { media, me } = meeting;
  const toggle = (which: Panel) => {
    panel.value = panel.value === which ? null : which;
  };
  const hand = me.raisedHand.value > 0;
  const unread = meeting.unread.value;
  return (
    <div class="toolbar" role="toolbar" aria-label={t('toolbar.label')}>
      <MediaButton kind="microphone" shortcut="M" source={media.microphone} muted={me.audioMuted.value} set={(on) => meeting.setMicrophone(on)} />
      <MediaButton kind="camera" shortcut="V" source={media.camera} muted={me.videoMuted.value} set={(on) => meeting.setCamera(on)} />
      {media.canShare ? (
        <span class="toolbar-wide">
          <ShareButton meeting={meeting} />
        </span>
      ) : null}
      <span class="toolbar-wide">
        <IconButton
          label={t('toolbar.hand')}
          hint={hand ? t('toolbar.hand-down') : t('toolbar.hand-up')}
          shortcut="R"
          pressed={hand}
          look={hand ? 'active' : 'normal'}
          onClick={() => meeting.setHand(!hand)}
        >
          <Icon name="hand" />
        </IconButton>
      </span>
      <IconButton
        label={unread > 0 ? t('toolbar.chat-unread', { n: unread }) : t('toolbar.chat')}
        shortcut="C"
        expanded={panel.value === 'chat'}
        look={panel.value === 'chat' ? 'active' : 'normal'}
        badge={unread > 0 ? String(Math.min(unread, 99)) : undefined}
        onClick={() => toggle('chat')}
      >
        <Icon name="chat" />
      </IconButton>
      <IconButton
        label={t('toolbar.people', { n: meeting.participants.value.length })}
        hint={t('people.title')}
        shortcut="P"
        expanded={panel.value === 'people'}
        look={panel.value === 'people' ? 'active' : 'normal'}
        badge={meeting.participants.value.length > 1 ? String(meeting.participants.value.length) : undefined}
        quietBadge
        onClick={() => toggle('people')}
      >
        <Icon name="people" />
      </IconButton>
      <More meeting={meeting} hand={hand} pinned={pinned} open={open} />
      <IconButton label={t('toolbar.leave')} look="danger" onClick={() => meeting.leave()}>
        <Icon name="leave" />
      </IconButton>
    </div>
  );
}

interface MediaButtonProps {
  readonly kind: 'microphone' | 'camera';
  readonly shortcut: string;
  readonly source: Source;
  readonly muted: boolean;
  readonly set: (on: boolean) => Promise<void>;
}

function MediaButton({ kind, shortcut, source, muted, set }: MediaButtonProps) {
  const pending = source.state.value === 'pending';
  const on = !muted || pending;
  const icon = kind === 'microphone' ? 'mic' : 'camera';
  return (
    <IconButton
      label={t(`devices.${kind}`)}
      hint={on ? t(`toolbar.${kind}-off`) : t(`toolbar.${kind}-on`)}
      shortcut={shortcut}
      pressed={on}
      look={on ? 'normal' : 'off'}
      busy={pending}
      onClick={() => void set(!on)}
    >
      <Icon name={on ? icon : `${icon}-off`} />
    </IconButton>
  );
}

function ShareButton({ meeting }: { readonly meeting: Meeting }) {
  const state = meeting.media.screen.value;
  return (
    <IconButton
      label={t('toolbar.share')}
      hint={state === 'on' ? t('sharing.stop') : t('toolbar.share')}
      shortcut="D"
      pressed={state === 'on'}
      look={state === 'on' ? 'active' : 'normal'}
      busy={state === 'pending'}
      onClick={() => void meeting.shareScreen(state === 'off')}
    >
      <Icon name="screen" />
    </IconButton>
  );
}

interface MoreProps {
  readonly meeting: Meeting;
  readonly hand: boolean;
  readonly pinned: Signal<Picture | null>;
  readonly open: (dialog: RoomDialog) => void;
}

function More({ meeting, hand, pinned, open }: MoreProps) {
  return (
    <Popover
      label={t('toolbar.more')}
      role="menu"
      align="end"
      trigger={(shown, toggle) => (
        <IconButton label={t('toolbar.more')} popup="menu" expanded={shown} look={shown ? 'active' : 'normal'} onClick={toggle}>
          <Icon name="more" />
        </IconButton>
      )}
    >
      {(close) => {
        const item = (icon: 'invite' | 'lock' | 'settings' | 'keyboard', text: string, dialog: RoomDialog) => (
          <MenuItem
            icon={icon}
            onClick={() => {
              close();
              open(dialog);
            }}
          >
            {text}
          </MenuItem>
        );
        return (
        <>
          <div class="toolbar-narrow">
            <MenuItem
              icon="hand"
              onClick={() => {
                meeting.setHand(!hand);
                close();
              }}
            >
              {hand ? t('toolbar.hand-down') : t('toolbar.hand-up')}
            </MenuItem>
            {meeting.media.canShare ? (
              <MenuItem
                icon="screen"
                onClick={() => {
                  void meeting.shareScreen(meeting.media.screen.value !== 'on');
                  close();
                }}
              >
                {meeting.media.screen.value === 'on' ? t('sharing.stop') : t('toolbar.share')}
              </MenuItem>
            ) : null}
          </div>
          <MenuItem
            icon={speakerView.value ? 'grid' : 'view'}
            onClick={() => {
              pinned.value = null;
              speakerView.value = !speakerView.value;
              close();
            }}
          >
            {speakerView.value ? t('toolbar.grid-view') : t('toolbar.speaker-view')}
          </MenuItem>
          {item('invite', t('invite.title'), 'invite')}
          {meeting.me.moderator.value ? item('lock', t('lock.title'), 'lock') : null}
          {item('settings', t('settings.title'), 'settings')}
          {item('keyboard', t('keys.title'), 'keys')}
        </>
        );
      }}
    </Popover>
  );
}
