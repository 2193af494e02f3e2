import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { locale } from '../../../i18n/i18n.ts';
import { usePageLanguage } from '../../../kit/language.ts';
import { lazy } from '../../../kit/lazy.tsx';
import { LiveRegion } from '../../../kit/Live.tsx';
import { useTitle } from '../../../kit/title.ts';
import type { Meeting } from '../../model/types.ts';
import { Failed, Left, Unsupported } from '../end/EndPage.tsx';
import { PreJoin } from '../prejoin/PreJoin.tsx';
import { current } from './current.ts';
import { room } from './route.ts';
import { name } from './settings.ts';
import '../../../kit/tokens.css';
import '../../../kit/base.css';

// Not needed before the camera shows; loaded while the person looks at it.
const Room = lazy(async () => (await import('../room/Room.tsx')).Room);
const WaitingPage = lazy(async () => (await import('../end/WaitingPage.tsx')).WaitingPage);
// Who opens a link never sees it.
const StartPage = lazy(async () => (await import('../start/StartPage.tsx')).StartPage);

interface AppProps {
  /** Makes the meeting of a room, without joining it. */
  readonly open: (room: string) => Meeting;
  /** Whether this page may use a camera, a microphone and WebRTC. */
  readonly able: boolean;
}

export function App({ open, able }: AppProps) {
  return (
    <>
      <LiveRegion />
      <Page open={open} able={able} />
    </>
  );
}

function Page({ open, able }: AppProps) {
  useTitle(room.value);
  usePageLanguage(locale());
  if (!able) return <Unsupported />;
  if (room.value === '') return <StartPage />;
  return <OneMeeting key={room.value} title={room.value} open={open} />;
}

function OneMeeting({ title, open }: { readonly title: string; readonly open: (room: string) => Meeting }) {
  const [meeting, setMeeting] = useState(() => open(title));
  useEffect(
    () => () => {
      meeting.leave();
      meeting.media.dispose();
    },
    [meeting],
  );
  useEffect(() => {
    Room.preload();
    WaitingPage.preload();
  }, []);
  useEffect(() => {
    current.value = meeting;
  }, [meeting]);
  const wanted = useRef({ microphone: true, camera: true });
  useSignalEffect(() => {
    if (meeting.phase.value.at !== 'joined') return;
    const { microphone, camera } = meeting.media;
    wanted.current = { microphone: microphone.state.value !== 'off', camera: camera.state.value !== 'off' };
  });
  const phase = meeting.phase.value;
  // A meeting that ended is not used again. The next one goes straight in: who comes back has been
  // asked everything already.
  const again = () => {
    const next = open(title);
    if (wanted.current.microphone) void next.media.setMicrophone(true);
    if (wanted.current.camera) void next.media.setCamera(true);
    next.join(name.peek().trim());
    setMeeting(next);
  };
  switch (phase.at) {
    case 'idle':
      return <PreJoin meeting={meeting} title={title} connecting={false} />;
    case 'connecting':
      return <PreJoin meeting={meeting} title={title} connecting />;
    case 'waiting':
      return <WaitingPage meeting={meeting} phase={phase} />;
    case 'joined':
    case 'reconnecting':
      return <Room meeting={meeting} title={title} />;
    case 'left':
      return <Left phase={phase} rejoin={again} />;
    case 'failed':
      return <Failed phase={phase} again={again} />;
  }
}
