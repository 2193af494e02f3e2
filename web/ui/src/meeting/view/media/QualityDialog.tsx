import { t } from '../../../i18n/i18n.ts';
import { tm } from '../../../i18n/media.ts';
import { Dialog } from '../../../kit/Dialog.tsx';
import { ChoiceField } from '../../../kit/Fields.tsx';
import { qualities } from '../../model/pictureQuality.ts';
import type { Meeting } from '../../model/types.ts';

/** How much picture to receive and to send. */
export function QualityDialog({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  return (
    <Dialog title={tm('menu.quality')} closeLabel={t('dialog.close')} onClose={close}>
      <ChoiceField
        label={tm('quality.choice')}
        value={meeting.pictureQuality.value}
        options={qualities.map((q) => ({ value: q, label: tm(`quality.${q}`), hint: tm(`quality.${q}-hint`) }))}
        onChange={(q) => meeting.setPictureQuality(q)}
      />
    </Dialog>
  );
}
