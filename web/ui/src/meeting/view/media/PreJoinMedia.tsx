import { useSignal } from '@preact/signals';
import { t } from '../../../i18n/i18n.ts';
import { tm } from '../../../i18n/media.ts';
import { Button } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { LocalMedia } from '../../model/types.ts';
import { chime } from '../room/chime.ts';
import { BackgroundDialog } from './BackgroundDialog.tsx';
import { MediaIcon } from './icons.tsx';
import { useHint } from './useHint.ts';
import './media.css';

/** Before the meeting: whether one is heard, whether one hears, and what is behind oneself. */
export function PreJoinMedia({ media }: { readonly media: LocalMedia }) {
  const hint = useHint(media);
  const choosing = useSignal(false);
  const on = media.microphone.state.value === 'on';
  return (
    <>
      {on ? (
        <output class={hint.value === 'silent' ? 'problems' : 'field-hint'}>
          {hint.value === 'silent' ? <Icon name="alert" size={20} /> : null}
          <span>{hint.value === 'silent' ? tm('hint.silent') : tm('prejoin.speak')}</span>
        </output>
      ) : null}
      <div class="prejoin-media">
        <Button onClick={() => void chime(media.speaker.peek())}>
          <Icon name="speaker" size={18} />
          {t('settings.test-speaker')}
        </Button>
        <Button onClick={() => (choosing.value = true)}>
          <MediaIcon name="background" size={18} />
          {tm('menu.background')}
        </Button>
      </div>
      {choosing.value ? <BackgroundDialog media={media} close={() => (choosing.value = false)} /> : null}
    </>
  );
}
