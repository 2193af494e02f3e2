import type { ComponentChildren } from 'preact';
import { tm } from '../../../i18n/media.ts';
import { canRecord } from '../../model/recording.ts';
import type { Meeting } from '../../model/types.ts';
import type { RoomDialog } from '../room/Toolbar.tsx';
import { MediaIcon } from './icons.tsx';
import { canOpenPip, openPip } from './pip.tsx';
import { recordingOf } from './recordings.ts';

interface MediaMenuProps {
  readonly meeting: Meeting;
  readonly open: (dialog: RoomDialog) => void;
  readonly close: () => void;
}

/** What one does with picture and sound, as entries of the menu. */
export function MediaMenu({ meeting, open, close }: MediaMenuProps) {
  const recording = recordingOf(meeting);
  const full = document.fullscreenElement !== null;
  const item = (icon: Parameters<typeof MediaIcon>[0]['name'], act: () => void, text: ComponentChildren) => (
    <button
      type="button"
      role="menuitem"
      class="menu-item"
      onClick={() => {
        close();
        act();
      }}
    >
      <MediaIcon name={icon} />
      {text}
    </button>
  );
  return (
    <>
      {item('background', () => open('background'), tm('menu.background'))}
      {item('quality', () => open('quality'), tm('menu.quality'))}
      {canOpenPip() ? item('pip', () => void openPip(meeting), tm('menu.pip')) : null}
      {document.fullscreenEnabled ? item('full', () => void toggleFullScreen(full), full ? tm('menu.window') : tm('menu.full-screen')) : null}
      {canRecord()
        ? recording.state.value === 'off'
          ? item('record', () => open('record'), tm('menu.record'))
          : item('record', () => void recording.stop(), tm('record.stop'))
        : null}
    </>
  );
}

async function toggleFullScreen(full: boolean): Promise<void> {
  await (full ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => undefined);
}
