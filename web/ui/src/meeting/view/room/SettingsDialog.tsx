import { tf } from '../../../i18n/frame.ts';
import { languages, locale, speak, t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { SelectField, SwitchField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { Meeting } from '../../model/types.ts';
import { language, mirror, selfView, shortcuts } from '../app/settings.ts';
import { MediaSettings } from '../media/lazy.ts';
import { Devices } from '../prejoin/Devices.tsx';
import { chime } from './chime.ts';

interface SettingsDialogProps {
  readonly meeting: Meeting;
  readonly close: () => void;
}

/** Devices, what happens to the sound, and how the page behaves. */
export function SettingsDialog({ meeting, close }: SettingsDialogProps) {
  const { media } = meeting;
  return (
    <Dialog title={t('settings.title')} closeLabel={t('dialog.close')} onClose={close}>
      <Devices media={media} choose={(kind, id) => void meeting.chooseDevice(kind, id)} />
      <Button onClick={() => void chime(media.speaker.peek())}>
        <Icon name="speaker" size={18} />
        {t('settings.test-speaker')}
      </Button>
      <div>
        <SwitchField label={t('settings.noise')} on={media.noiseSuppression.value} onChange={(on) => void media.setProcessing('noiseSuppression', on)} />
        <SwitchField label={t('settings.echo')} on={media.echoCancellation.value} onChange={(on) => void media.setProcessing('echoCancellation', on)} />
        <SwitchField
          label={tf('settings.self-view')}
          on={selfView.value}
          onChange={(on) => {
            selfView.value = on;
          }}
        />
        <SwitchField
          label={t('settings.mirror')}
          on={mirror.value}
          onChange={(on) => {
            mirror.value = on;
          }}
        />
        <SwitchField
          label={t('settings.shortcuts')}
          on={shortcuts.value}
          onChange={(on) => {
            shortcuts.value = on;
          }}
        />
      </div>
      <MediaSettings media={media} />
      <SelectField
        label={t('settings.language')}
        value={locale()}
        options={languages.map((l) => ({ value: l.tag, label: l.name }))}
        onChange={(tag) => {
          language.value = tag;
          void speak(tag).catch(() => undefined);
        }}
      />
    </Dialog>
  );
}
