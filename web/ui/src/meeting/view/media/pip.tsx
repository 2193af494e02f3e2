import { render } from 'preact';
import { t } from '../../../i18n/i18n.ts';
import { tm } from '../../../i18n/media.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { announce } from '../../../kit/Live.tsx';
import { Avatar } from '../../../kit/Person.tsx';
import type { Meeting } from '../../model/types.ts';
import { displayName } from '../app/words.ts';
import { Video } from '../room/Video.tsx';
import './media.css';

interface DocumentPip {
  readonly documentPictureInPicture?: { requestWindow(options: { width: number; height: number }): Promise<Window> };
}

export function canOpenPip(): boolean {
  return 'documentPictureInPicture' in globalThis || document.pictureInPictureEnabled;
}

/** Who is worth seeing when there is room for one: a screen, who speaks, anybody else, ourselves. */
export function worthSeeing(meeting: Meeting): { readonly name: string; readonly stream: MediaStream | null; readonly screen: boolean } {
  const people = meeting.participants.value;
  const others = people.filter((p) => !p.local);
  const sharing = others.find((p) => p.sharing.value && p.screen.value);
  if (sharing) return { name: displayName(sharing), stream: sharing.screen.value, screen: true };
  const person = others.find((p) => p.id === meeting.dominantSpeaker.value) ?? others[0] ?? meeting.me;
  return { name: displayName(person), stream: person.camera.value, screen: false };
}

/** Shows the meeting in a small window above all others; with controls where the browser can do that. */
export async function openPip(meeting: Meeting): Promise<void> {
  const { documentPictureInPicture } = globalThis as DocumentPip;
  try {
    if (documentPictureInPicture) openWindow(meeting, await documentPictureInPicture.requestWindow({ width: 420, height: 280 }));
    else await openVideo();
  } catch {
    announce(tm('pip.failed'));
  }
}

function openWindow(meeting: Meeting, small: Window): void {
  const { document: page } = small;
  page.title = tm('pip.title');
  Object.assign(page.documentElement, { lang: document.documentElement.lang, dir: document.documentElement.dir });
  for (const sheet of document.querySelectorAll('link[rel="stylesheet"], style')) page.head.append(sheet.cloneNode(true));
  const root = page.createElement('div');
  page.body.append(root);
  render(<Pip meeting={meeting} close={() => small.close()} />, root);
  small.addEventListener('pagehide', () => render(null, root), { once: true });
}

/** The largest picture that is on the page now. */
async function openVideo(): Promise<void> {
  const videos = [...document.querySelectorAll<HTMLVideoElement>('.tile video')].filter((v) => v.videoWidth > 0);
  const [largest] = videos.toSorted((a, b) => b.clientWidth - a.clientWidth);
  if (!largest) throw new Error('no picture to show');
  await largest.requestPictureInPicture();
}

function Pip({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  const { me } = meeting;
  const { at } = meeting.phase.value;
  if (at !== 'joined' && at !== 'reconnecting') {
    close();
    return null;
  }
  const { name, stream, screen } = worthSeeing(meeting);
  const button = (kind: 'microphone' | 'camera', muted: boolean, set: (on: boolean) => Promise<void>) => (
    <IconButton label={t(`devices.${kind}`)} pressed={!muted} look={muted ? 'off' : 'normal'} small onClick={() => void set(muted)}>
      <Icon name={`${kind === 'microphone' ? 'mic' : 'camera'}${muted ? '-off' : ''}`} size={18} />
    </IconButton>
  );
  return (
    <main class="pip">
      {stream ? <Video stream={stream} whole={screen} label={name} /> : <Avatar name={name} size="5rem" />}
      <span class="tile-tag">
        <span class="tile-name">{name}</span>
      </span>
      <div class="pip-buttons">
        {button('microphone', me.audioMuted.value, (on) => meeting.setMicrophone(on))}
        {button('camera', me.videoMuted.value, (on) => meeting.setCamera(on))}
        <IconButton label={t('toolbar.leave')} look="danger" small onClick={() => meeting.leave()}>
          <Icon name="leave" size={18} />
        </IconButton>
      </div>
    </main>
  );
}
