import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import type { IconName } from '../../../kit/icons.tsx';
import { MenuGroup, MenuItem } from '../../../kit/Popover.tsx';
import type { Tile as Picture } from '../../model/layout.ts';
import type { Board } from '../../model/together/board.ts';
import type { Meeting } from '../../model/types.ts';
import { speakerView } from '../app/settings.ts';
import { MediaMenu } from '../media/MediaMenu.tsx';
import { ReactionMenu } from '../together/ReactionMenu.tsx';
import type { Panel, RoomDialog } from './Toolbar.tsx';

interface MoreMenuProps {
  readonly meeting: Meeting;
  readonly panel: Signal<Panel>;
  readonly pinned: Signal<Picture | null>;
  readonly open: (dialog: RoomDialog) => void;
  readonly close: () => void;
}

/** Everything that is not needed all the time, in groups: what people do together, how it looks, the meeting. */
export function MoreMenu({ meeting, panel, pinned, open, close }: MoreMenuProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // It may have come after the menu was opened.
    if (!box.current?.contains(document.activeElement)) box.current?.querySelector('button')?.focus();
  }, []);
  const item = (icon: IconName, text: string, act: () => void, news = 0) => (
    <MenuItem
      icon={icon}
      news={{ n: news, label: tt('more.new', { n: news }) }}
      onClick={() => {
        close();
        act();
      }}
    >
      {text}
    </MenuItem>
  );
  const side = (which: Panel) => () => (panel.value = which);
  const together = meeting.together.value;
  const hand = meeting.me.raisedHand.value > 0;
  const sharing = meeting.media.screen.value === 'on';
  return (
    <div ref={box}>
      <div class="toolbar-narrow">
        <MenuGroup label={tt('react.title')}>
          <ReactionMenu meeting={meeting} done={close} role="menuitem" />
        </MenuGroup>
        <MenuGroup label={t('toolbar.label')}>
          {item('hand', hand ? t('toolbar.hand-down') : t('toolbar.hand-up'), () => meeting.setHand(!hand))}
          {meeting.media.canShare ? item('screen', sharing ? t('sharing.stop') : t('toolbar.share'), () => void meeting.shareScreen(!sharing)) : null}
        </MenuGroup>
      </div>
      <MenuGroup label={tt('more.together')}>
        {together?.board.available.value ? item('board', boardText(together.board), () => (together.board.shown.peek() ? together.board.hide() : void together.board.open())) : null}
        {together?.polls.available.value ? item('polls', tt('polls.title'), side('polls'), together.polls.unseen.value) : null}
        {together?.files.available.value ? item('file', tt('files.title'), side('files'), together.files.unseen.value) : null}
        {together?.breakouts.available.value ? item('rooms', tt('breakout.title'), side('breakouts')) : null}
        {together?.speakers.available.value ? item('clock', tt('stats.title'), side('speakers')) : null}
      </MenuGroup>
      <MenuGroup label={tt('more.view')}>
        {item(speakerView.value ? 'grid' : 'view', speakerView.value ? t('toolbar.grid-view') : t('toolbar.speaker-view'), () => {
          pinned.value = null;
          speakerView.value = !speakerView.value;
        })}
        <MediaMenu meeting={meeting} open={open} close={close} />
      </MenuGroup>
      <MenuGroup label={tt('more.meeting')}>
        {item('invite', t('invite.title'), () => open('invite'))}
        {meeting.me.moderator.value ? item('lock', t('lock.title'), () => open('lock')) : null}
        {item('settings', t('settings.title'), () => open('settings'))}
        {item('keyboard', t('keys.title'), () => open('keys'))}
        {together?.moderation.canEnd.value ? (
          <MenuItem
            icon="leave"
            danger
            onClick={() => {
              close();
              open('end');
            }}
          >
            {tt('more.end')}
          </MenuItem>
        ) : null}
      </MenuGroup>
    </div>
  );
}

function boardText({ place, shown }: Board): string {
  if (shown.value) return tt('board.hide');
  return place.value ? tt('board.show') : tt('board.open');
}
