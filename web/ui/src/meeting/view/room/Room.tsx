import { type Signal, useSignal } from '@preact/signals';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Icon } from '../../../kit/icons.tsx';
import type { Meeting } from '../../model/types.ts';
import { invitation } from '../app/route.ts';
import { BackgroundDialog, MediaLayer, QualityDialog, RecordDialog } from '../media/lazy.ts';
import { Problems } from '../prejoin/Preview.tsx';
import { Alone } from './Alone.tsx';
import { Notices, Reconnecting, Sharing } from './Banner.tsx';
import { ConnectionButton } from './Connection.tsx';
import { controls } from './controls.ts';
import type { Tile as Picture } from '../../model/layout.ts';
import { speakerView, strip } from '../app/settings.ts';
import { Knocking } from './Knocking.tsx';
import { type Actions, usePushToTalk, useShortcuts } from './shortcuts.ts';
import { useWakeLock } from './wakeLock.ts';
import { Sounds } from './Sounds.tsx';
import { Stage } from './Stage.tsx';
import { SidePanel } from './SidePanel.tsx';
import { Timer } from './Timer.tsx';
import { type Panel, type RoomDialog, Toolbar } from './Toolbar.tsx';
import { lazy } from '../../../kit/lazy.tsx';
import './room.css';

// Nobody needs these before the meeting is there.
const InviteDialog = lazy(async () => (await import('./InviteDialog.tsx')).InviteDialog);
const LockDialog = lazy(async () => (await import('./LockDialog.tsx')).LockDialog);
const SettingsDialog = lazy(async () => (await import('./SettingsDialog.tsx')).SettingsDialog);
const ConnectionDialog = lazy(async () => (await import('./ConnectionDialog.tsx')).ConnectionDialog);
const HelpDialog = lazy(async () => (await import('./HelpDialog.tsx')).HelpDialog);
const EndDialog = lazy(async () => (await import('../together/EndDialog.tsx')).EndDialog);
const Spoken = lazy(async () => (await import('./Spoken.tsx')).Spoken);
const Together = lazy(async () => (await import('../together/Together.tsx')).Together);

const reactions = ['like', 'clap', 'laugh', 'surprised', 'boo', 'silence'] as const;

async function react(meeting: Meeting, reaction: (typeof reactions)[number]): Promise<void> {
  (await import('../together/react.ts')).react(meeting, reaction);
}

/** The meeting itself. */
export function Room({ meeting, title }: { readonly meeting: Meeting; readonly title: string }) {
  const panel = useSignal<Panel>(null);
  const pinned = useSignal<Picture | null>(null);
  const [dialog, setDialog] = useState<RoomDialog | null>(null);
  const closeDialog = () => setDialog(null);
  // Whom the chat writes to: everybody, or one participant.
  const to = useSignal<string | null>(null);

  useEffect(() => {
    meeting.readingChat(panel.value === 'chat');
  }, [meeting, panel.value]);
  useWakeLock();
  usePushToTalk(meeting);
  const actions = useMemo(
    (): Actions => ({
      microphone: () => void meeting.setMicrophone(meeting.me.audioMuted.value),
      camera: () => void meeting.setCamera(meeting.me.videoMuted.value),
      ...(meeting.media.canShare ? { share: () => void meeting.shareScreen(meeting.media.screen.value === 'off') } : {}),
      hand: () => meeting.setHand(meeting.me.raisedHand.value === 0),
      chat: () => (panel.value = panel.value === 'chat' ? null : 'chat'),
      people: () => (panel.value = panel.value === 'people' ? null : 'people'),
      view: () => {
        pinned.value = null;
        speakerView.value = !speakerView.value;
      },
      strip: () => (strip.value = !strip.value),
      'full-screen': () => void toggleFullScreen(),
      quality: () => setDialog('connection'),
      stats: () => {
        if (meeting.together.peek()?.speakers.available.peek()) panel.value = panel.value === 'speakers' ? null : 'speakers';
      },
      ...Object.fromEntries(reactions.map((r) => [`react-${r}`, () => void react(meeting, r)])),
      help: () => setDialog('keys'),
    }),
    [meeting, panel, pinned],
  );
  useEffect(() => {
    controls.value = { actions, panel, pinned };
    return () => {
      controls.value = null;
    };
  }, [actions, panel, pinned]);
  useShortcuts(actions, useCallback((which) => pin(meeting, pinned, which), [meeting, pinned]));

  return (
    <div class={panel.value ? 'room room-with-panel' : 'room'}>
      <header class="room-head">
        <h1 dir="auto">{meeting.subject.value || title}</h1>
        {meeting.locked.value ? (
          <span class="room-lock" title={t('lock.on')}>
            <Icon name="lock" size={16} />
            <span class="sr-only">{t('lock.on')}</span>
          </span>
        ) : null}
        <Timer since={meeting.startedAt.value} />
        <ConnectionButton meeting={meeting} open={() => setDialog('connection')} />
      </header>
      <main class="room-main">
        <div class="room-stage">
          <div class="banners">
            <Reconnecting meeting={meeting} />
            <Knocking meeting={meeting} />
            <Sharing meeting={meeting} />
            <Sounds meeting={meeting} />
            <MediaLayer meeting={meeting} />
            <Problems media={meeting.media} />
            <Notices meeting={meeting} />
          </div>
          <Stage meeting={meeting} pinned={pinned} />
          <Together meeting={meeting} panel={panel} />
          <Spoken meeting={meeting} reading={panel.value === 'chat'} />
          <Alone meeting={meeting} panel={panel} link={invitation(title)} />
        </div>
        <SidePanel meeting={meeting} panel={panel} to={to} link={invitation(title)} />
      </main>
      <footer class="room-foot">
        <Toolbar meeting={meeting} panel={panel} pinned={pinned} open={setDialog} />
      </footer>
      {dialog === 'invite' ? <InviteDialog room={title} link={invitation(title)} close={closeDialog} /> : null}
      {dialog === 'lock' ? <LockDialog meeting={meeting} close={closeDialog} /> : null}
      {dialog === 'settings' ? <SettingsDialog meeting={meeting} close={closeDialog} /> : null}
      {dialog === 'connection' ? <ConnectionDialog meeting={meeting} close={closeDialog} /> : null}
      {dialog === 'background' ? <BackgroundDialog media={meeting.media} close={closeDialog} /> : null}
      {dialog === 'quality' ? <QualityDialog meeting={meeting} close={closeDialog} /> : null}
      {dialog === 'record' ? <RecordDialog meeting={meeting} title={title} close={closeDialog} /> : null}
      {dialog === 'keys' ? <HelpDialog actions={actions} close={closeDialog} /> : null}
      {dialog === 'end' ? <EndDialog meeting={meeting} close={closeDialog} /> : null}
    </div>
  );
}

/** 0 is oneself, 1 to 9 the others in the order of joining. The same one again unpins. */
function pin(meeting: Meeting, pinned: Signal<Picture | null>, which: number): void {
  const participant = meeting.participants.peek()[which]?.id;
  if (participant === undefined) return;
  pinned.value = pinned.value?.participant === participant ? null : { participant, picture: 'camera' };
}

// Not there on phones that know no full screen for pages.
async function toggleFullScreen(): Promise<void> {
  if (!document.fullscreenEnabled) return;
  await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => undefined);
}
