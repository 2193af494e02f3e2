import type { Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { lazy } from '../../../kit/lazy.tsx';
import type { Meeting } from '../../model/types.ts';
import { MoreMenu, type Panel, ReactionMenu } from './Toolbar.tsx';

const ChatPanel = lazy(async () => (await import('../chat/ChatPanel.tsx')).ChatPanel);
const PeoplePanel = lazy(async () => (await import('../people/PeoplePanel.tsx')).PeoplePanel);
const PollsPanel = lazy(async () => (await import('../together/PollsPanel.tsx')).PollsPanel);
const FilesPanel = lazy(async () => (await import('../together/FilesPanel.tsx')).FilesPanel);
const BreakoutsPanel = lazy(async () => (await import('../together/BreakoutsPanel.tsx')).BreakoutsPanel);
const SpeakersPanel = lazy(async () => (await import('../together/SpeakersPanel.tsx')).SpeakersPanel);

interface SidePanelProps {
  readonly meeting: Meeting;
  readonly panel: Signal<Panel>;
  /** Whom the chat writes to; null is everybody. */
  readonly to: Signal<string | null>;
  readonly link: string;
}

/** What stands beside the pictures. What is used most is fetched as soon as the meeting is on. */
export function SidePanel({ meeting, panel, to, link }: SidePanelProps) {
  useEffect(() => {
    for (const view of [ChatPanel, PeoplePanel, MoreMenu, ReactionMenu]) view.preload();
  }, []);
  const close = () => (panel.value = null);
  switch (panel.value) {
    case 'chat':
      return <ChatPanel meeting={meeting} to={to} close={close} />;
    case 'people':
      return (
        <PeoplePanel
          meeting={meeting}
          link={link}
          close={close}
          write={(person) => {
            to.value = person;
            panel.value = 'chat';
          }}
        />
      );
    case 'polls':
      return <PollsPanel meeting={meeting} close={close} />;
    case 'files':
      return <FilesPanel meeting={meeting} close={close} />;
    case 'breakouts':
      return <BreakoutsPanel meeting={meeting} close={close} />;
    case 'speakers':
      return <SpeakersPanel meeting={meeting} close={close} />;
    default:
      return null;
  }
}
