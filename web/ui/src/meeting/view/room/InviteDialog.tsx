import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import { CopyLink } from './CopyLink.tsx';

interface InviteDialogProps {
  readonly room: string;
  readonly link: string;
  readonly close: () => void;
}

/** The meeting's address as text, as a QR code, and for the apps of this device. */
export function InviteDialog({ room, link, close }: InviteDialogProps) {
  return (
    <Dialog title={t('invite.title')} closeLabel={t('dialog.close')} onClose={close}>
      <p>{t('alone.text')}</p>
      <CopyLink link={link} />
      {'share' in navigator ? (
        <Button
          wide
          onClick={() => {
            // Refused when the person changed their mind.
            navigator.share({ title: room, url: link }).catch(() => undefined);
          }}
        >
          <Icon name="share" size={18} />
          {t('invite.share')}
        </Button>
      ) : null}
      <QrCode text={link} label={t('invite.qr')} caption={t('invite.qr-text')} />
    </Dialog>
  );
}
