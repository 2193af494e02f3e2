import { t } from '../../../i18n/i18n.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { Avatar, Voice } from '../../../kit/Person.tsx';
import type { LocalMedia, Source } from '../../model/types.ts';
import { mirror } from '../app/settings.ts';
import { problemText } from '../app/words.ts';
import { Video } from '../room/Video.tsx';

interface PreviewProps {
  readonly media: LocalMedia;
  readonly name: string;
}

/** What the others will see, with the two switches on it. */
export function Preview({ media, name }: PreviewProps) {
  const stream = media.preview.value;
  return (
    <div class="preview">
      {stream ? (
        <Video stream={stream} mirrored={mirror.value} label={t('prejoin.preview')} />
      ) : (
        <div class="preview-empty">
          <Avatar name={name} size="6.5rem" />
          <p>{media.camera.state.value === 'pending' ? t('prejoin.starting') : t('prejoin.camera-off')}</p>
        </div>
      )}
      {media.microphone.state.value === 'on' ? (
        <span class="preview-voice">
          <Voice level={media.level} />
          {t('prejoin.hearing')}
        </span>
      ) : null}
      <div class="preview-switches">
        <Switch source={media.microphone} kind="microphone" set={(on) => media.setMicrophone(on)} />
        <Switch source={media.camera} kind="camera" set={(on) => media.setCamera(on)} />
      </div>
    </div>
  );
}

interface SwitchProps {
  readonly source: Source;
  readonly kind: 'microphone' | 'camera';
  readonly set: (on: boolean) => Promise<void>;
}

function Switch({ source, kind, set }: SwitchProps) {
  const on = source.state.value !== 'off';
  const icon = kind === 'microphone' ? 'mic' : 'camera';
  return (
    <IconButton
      label={t(`devices.${kind}`)}
      hint={on ? t(`toolbar.${kind}-off`) : t(`toolbar.${kind}-on`)}
      pressed={on}
      look={on ? 'normal' : 'off'}
      busy={source.state.value === 'pending'}
      onClick={() => void set(!on)}
    >
      <Icon name={on ? icon : `${icon}-off`} />
    </IconButton>
  );
}

/** What is wrong with the devices, and what to do about it. */
export function Problems({ media }: { readonly media: LocalMedia }) {
  const microphone = media.microphone.problem.value;
  const camera = media.camera.problem.value;
  if (!microphone && !camera) return null;
  const both = microphone !== null && microphone === camera;
  const lines = both ? [problemText('both', microphone)] : [microphone ? problemText('microphone', microphone) : '', camera ? problemText('camera', camera) : ''];
  return (
    <output class="problems">
      <Icon name="alert" size={20} />
      <span>{lines.filter(Boolean).join(' ')}</span>
    </output>
  );
}
