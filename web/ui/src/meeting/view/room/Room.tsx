import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Icon } from '../../../kit/icons.tsx';
import type { Meeting } from '../../model/types.ts';
import { invitation } from '../app/route.ts';
import { ChatPanel } from '../chat/ChatPanel.tsx';
import { PeoplePanel } from '../people/PeoplePanel.tsx';
import { Problems } from '../prejoin/Preview.tsx';
import { Notices, Reconnecting, Sharing } from './Banner.tsx';
import type { Tile as Picture } from '../../model/layout.ts';
import { speakerView } from '../app/settings.ts';
import { CopyLink } from './CopyLink.tsx';
import { InviteDialog } from './InviteDialog.tsx';
import { Knocking } from './Knocking.tsx';
import { LockDialog } from './LockDialog.tsx';
import { HelpDialog } from './HelpDialog.tsx';
import { SettingsDialog } from './SettingsDialog.tsx';
import { usePushToTalk, useShortcuts } from './shortcuts.ts';
import { useWakeLock } from './wakeLock.ts';
import { Sounds } from './Sounds.tsx';
import { Stage } from './Stage.tsx';
import { Timer } from './Timer.tsx';
import { type Panel, type RoomDialog, Toolbar } from './Toolbar.tsx';
import './room.css';

/** The meeting itself. */
export function Room({ meeting, title }: { readonly meeting: Meeting; readonly title: string }) {
  const panel = useSignal<Panel>(null);
  const pinned = useSignal<Picture | null>(null);
  const [dialog, setDialog] = useState<RoomDialog | null>(null);
  const closeDialog = () => setDialog(null);
  const alone = meeting.participants.value.length < 2;

  useEffect(() => {
    meeting.readingChat(panel.value === 'chat');
  }, [meeting, panel.value]);
  useWakeLock();
  usePushToTalk(meeting);
  useShortcuts(
    useMemo(
      () => ({
        m: () => void meeting.setMicrophone(meeting.me.audioMuted.value),
        v: () => void meeting.setCamera(meeting.me.videoMuted.value),
        d: () => void (meeting.media.canShare && meeting.shareScreen(meeting.media.screen.value === 'off')),
        r: () => meeting.setHand(meeting.me.raisedHand.value === 0),
        c: () => (panel.value = panel.value === 'chat' ? null : 'chat'),
        p: () => (panel.value = panel.value === 'people' ? null : 'people'),
        w: () => {
          pinned.value = null;
          speakerView.value = !speakerView.value;
        },
        s: () => void toggleFullScreen(),
        '?': () => setDialog('keys'),
        ...pinKeys(meeting, pinned),
      }),
      [meeting, panel, pinned],
    ),
  );

  return (
    <div class={panel.value ? 'room room-with-panel' : 'room'}>
      <header class="room-head">
        <h1>{meeting.subject.value || title}</h1>
        {meeting.locked.value ? (
          <span class="room-lock" title={t('lock.on')}>
            <Icon name="lock" size={16} />
            <span class="sr-only">{t('lock.on')}</span>
          </span>
        ) : null}
        <Timer since={meeting.startedAt.value} />
      </header>
      <main class="room-main">
        <div class="room-stage">
          <div class="banners">
            <Reconnecting meeting={meeting} />
            <Knocking meeting={meeting} />
            <Sharing meeting={meeting} />
            <Sounds meeting={meeting} />
            <Problems media={meeting.media} />
            <Notices meeting={meeting} />
          </div>
          <Stage meeting={meeting} pinned={pinned} />
          {alone ? (
            <div class="alone">
              <h2>{t('alone.title')}</h2>
              <p>{t('alone.text')}</p>
              <CopyLink link={invitation(title)} />
            </div>
          ) : null}
        </div>
        {panel.value === 'chat' ? <ChatPanel meeting={meeting} close={() => (panel.value = null)} /> : null}
        {panel.value === 'people' ? <PeoplePanel meeting={meeting} link={invitation(title)} close={() => (panel.value = null)} /> : null}
      </main>
      <footer class="room-foot">
        <Toolbar meeting={meeting} panel={panel} pinned={pinned} open={setDialog} />
      </footer>
      {dialog === 'invite' ? <InviteDialog room={title} link={invitation(title)} close={closeDialog} /> : null}
      {dialog === 'lock' ? <LockDialog meeting={meeting} close={closeDialog} /> : null}
      {dialog === 'settings' ? <SettingsDialog meeting={meeting} close={closeDialog} /> : null}
      {dialog === 'keys' ? <HelpDialog close={closeDialog} /> : null}
    </div>
  );
}

/** 0 is oneself, 1 to 9 the others in the order of joining. The same key again unpins. */
function pinKeys(meeting: Meeting, pinned: Signal<Picture | null>): Record<string, () => void> {
  const pin = (i: number) => () => {
    const participant = meeting.participants.peek()[i]?.id;
    if (participant === undefined) return;
    pinned.value = pinned.value?.participant === participant ? null : { participant, picture: 'camera' };
  };
  return Object.fromEntries(Array.from({ length: 10 }, (_, i) => [String(i), pin(i)]));
}

// Refused on phones that know no full screen for pages.
async function toggleFullScreen(): Promise<void> {
  await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => undefined);
}
