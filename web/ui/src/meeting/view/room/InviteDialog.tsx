import { useEffect, useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Icon } from '../../../kit/icons.tsx';
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
      <QrCode text={link} />
    </Dialog>
  );
}

function QrCode({ text }: { readonly text: string }) {
  const [dark, setDark] = useState<readonly (readonly boolean[])[] | null>(null);
  useEffect(() => {
    let over = false;
    const draw = async () => {
      const { encode } = await import('uqr');
      if (!over) setDark(encode(text, { ecc: 'M', border: 2 }).data);
    };
    void draw();
    return () => {
      over = true;
    };
  }, [text]);
  if (!dark) return <div class="qr" />;
  const path = dark.flatMap((row, y) => row.flatMap((on, x) => (on ? `M${x} ${y}h1v1h-1z` : []))).join('');
  return (
    <figure class="qr">
      {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- drawn here: an image with a data: address is not allowed */}
      <svg viewBox={`0 0 ${dark.length} ${dark.length}`} role="img" aria-label={t('invite.qr')} shape-rendering="crispEdges">
        <path d={path} fill="black" />
      </svg>
      <figcaption>{t('invite.qr-text')}</figcaption>
    </figure>
  );
}
