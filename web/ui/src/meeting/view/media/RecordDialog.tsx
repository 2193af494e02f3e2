import { t } from '../../../i18n/i18n.ts';
import { tm } from '../../../i18n/media.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import type { Meeting } from '../../model/types.ts';
import { recordingOf } from './recordings.ts';

/** Before a recording: where it goes, and that everybody is told. */
export function RecordDialog({ meeting, title, close }: { readonly meeting: Meeting; readonly title: string; readonly close: () => void }) {
  return (
    <Dialog
      title={tm('record.title')}
      closeLabel={t('dialog.close')}
      onClose={close}
      actions={
        <>
          <Button onClick={close}>{t('dialog.cancel')}</Button>
          <Button
            kind="primary"
            onClick={() => {
              void recordingOf(meeting).start(title);
              close();
            }}
          >
            {tm('record.start')}
          </Button>
        </>
      }
    >
      <p>{tm('record.text')}</p>
    </Dialog>
  );
}
