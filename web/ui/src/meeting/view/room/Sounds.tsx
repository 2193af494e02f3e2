import { type ReadonlySignal, type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import type { Meeting } from '../../model/types.ts';

/** Plays everybody's sound on the chosen speaker. */
export function Sounds({ meeting }: { readonly meeting: Meeting }) {
  const blocked = useSignal(false);
  const again = useSignal(0);
  return (
    <>
      {meeting.audio.value.map(({ id, stream }) => (
        <Sound key={id} stream={stream} speaker={meeting.media.speaker} blocked={blocked} again={again} />
      ))}
      {blocked.value ? (
        <div class="banner banner-action" role="alert">
          <p>{t('sound.blocked')}</p>
          <Button
            kind="primary"
            onClick={() => {
              blocked.value = false;
              again.value += 1;
            }}
          >
            {t('sound.play')}
          </Button>
        </div>
      ) : null}
    </>
  );
}

interface SoundProps {
  readonly stream: MediaStream;
  readonly speaker: ReadonlySignal<string>;
  readonly blocked: Signal<boolean>;
  readonly again: ReadonlySignal<number>;
}

function Sound({ stream, speaker, blocked, again }: SoundProps) {
  const element = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = element.current;
    if (!audio) return undefined;
    audio.srcObject = stream;
    return () => {
      audio.srcObject = null;
    };
  }, [stream]);
  useEffect(() => {
    // Browsers refuse to make noise on a page nobody has touched, as after a reload.
    element.current?.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') blocked.value = true;
    });
  }, [stream, again.value, blocked]);
  useEffect(() => {
    const audio = element.current;
    if (!audio || !('setSinkId' in audio)) return;
    // The speaker may have been unplugged since; the system's default goes on playing.
    audio.setSinkId(speaker.value).catch(() => undefined);
  }, [speaker.value]);
  // oxlint-disable-next-line jsx-a11y/media-has-caption -- live speech has none
  return <audio ref={element} autoplay />;
}
