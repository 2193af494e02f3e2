import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import type { Meeting } from '../../model/types.ts';

/** Asks before the meeting ends for everybody. */
export function EndDialog({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  return (
    <Dialog
      title={tt('end.title')}
      closeLabel={t('dialog.close')}
      onClose={close}
      actions={
        <>
          <Button kind="quiet" onClick={close}>
            {t('dialog.cancel')}
          </Button>
          <Button
            kind="danger"
            onClick={() => {
              meeting.together.peek()?.moderation.endForAll();
              close();
            }}
          >
            {tt('end.confirm')}
          </Button>
        </>
      }
    >
      <p>{tt('end.text', { n: meeting.participants.value.length - 1 })}</p>
    </Dialog>
  );
}
