import type { Signal } from '@preact/signals';
import { t } from '../../../i18n/i18n.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { lazy } from '../../../kit/lazy.tsx';
import { Popover } from '../../../kit/Popover.tsx';
import type { Tile as Picture } from '../../model/layout.ts';
import type { Meeting, Source } from '../../model/types.ts';

/** What stands beside the pictures. */
export type Panel = 'chat' | 'people' | 'polls' | 'files' | 'breakouts' | 'speakers' | null;

export const MoreMenu = lazy(async () => (await import('./MoreMenu.tsx')).MoreMenu);
export const ReactionMenu = lazy(async () => (await import('../together/ReactionMenu.tsx')).ReactionMenu);

/** What opens over the meeting. */
export type RoomDialog = 'invite' | 'lock' | 'settings' | 'connection' | 'background' | 'quality' | 'record' | 'keys' | 'end';

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
      <span class="toolbar-wide">
        <Popover
          label={t('toolbar.react')}
          // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- the role of what pops up
          role="dialog"
          trigger={(shown, toggleShown) => (
            <IconButton label={t('toolbar.react')} popup="dialog" expanded={shown} look={shown ? 'active' : 'normal'} onClick={toggleShown}>
              <Icon name="smile" />
            </IconButton>
          )}
        >
          {() => <ReactionMenu meeting={meeting} />}
        </Popover>
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
      <More meeting={meeting} panel={panel} pinned={pinned} open={open} />
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
  readonly panel: Signal<Panel>;
  readonly pinned: Signal<Picture | null>;
  readonly open: (dialog: RoomDialog) => void;
}

function More(props: MoreProps) {
  const together = props.meeting.together.value;
  const news = (together?.polls.unseen.value ?? 0) + (together?.files.unseen.value ?? 0);
  return (
    <Popover
      label={t('toolbar.more')}
      role="menu"
      align="end"
      sheet
      trigger={(shown, toggle) => (
        <IconButton
          label={news > 0 ? t('toolbar.more-news', { n: Math.min(news, 99) }) : t('toolbar.more')}
          popup="menu"
          expanded={shown}
          look={shown ? 'active' : 'normal'}
          badge={news > 0 ? String(Math.min(news, 99)) : undefined}
          onClick={toggle}
        >
          <Icon name="more" />
        </IconButton>
      )}
    >
      {(close) => <MoreMenu {...props} close={close} />}
    </Popover>
  );
}
