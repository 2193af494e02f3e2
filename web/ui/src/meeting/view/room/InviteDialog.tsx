import { useState } from 'preact/hooks';
import { tf } from '../../../i18n/frame.ts';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import { CopyLink } from './CopyLink.tsx';
import { nextSlot, printCalendar } from './ics.ts';
import './invite.css';

interface InviteDialogProps {
  readonly room: string;
  readonly link: string;
  readonly close: () => void;
}

/** The meeting's address as text, as a QR code, for the apps of this device, for a calendar, and on paper. */
export function InviteDialog({ room, link, close }: InviteDialogProps) {
  return (
    <Dialog title={t('invite.title')} closeLabel={t('dialog.close')} onClose={close}>
      <p>{tf('alone.text')}</p>
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
      <Calendar room={room} link={link} />
      <Button wide onClick={() => print()}>
        <Icon name="print" size={18} />
        {tf('invite.print')}
      </Button>
      <Sheet room={room} link={link} />
    </Dialog>
  );
}

function Calendar({ room, link }: { readonly room: string; readonly link: string }) {
  const [when, setWhen] = useState(() => nextSlot(Date.now()));
  const [minutes, setMinutes] = useState('45');
  const begin = new Date(when).getTime();
  const length = Number(minutes);
  const valid = !Number.isNaN(begin) && length >= 5 && length <= 1440;
  const save = () => {
    const text = printCalendar({ uid: `${crypto.randomUUID()}@${location.hostname}`, begin, minutes: length, made: Date.now(), title: room, description: tf('invite.description', { link }), link });
    const url = URL.createObjectURL(new Blob([text], { type: 'text/calendar' }));
    const anchor = document.createElement('a');
    anchor.href = url;
    anchor.download = `${room.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'meeting'}.ics`;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <fieldset class="invite-calendar">
      <legend>{tf('invite.calendar')}</legend>
      <TextField label={tf('invite.when')} type="datetime-local" value={when} onInput={setWhen} />
      <TextField label={tf('invite.minutes')} type="number" inputMode="numeric" value={minutes} onInput={setMinutes} />
      <Button wide disabled={!valid} onClick={save}>
        <Icon name="calendar" size={18} />
        {tf('invite.download')}
      </Button>
    </fieldset>
  );
}

/** What the printer prints: nothing else of the page, and this only there. */
function Sheet({ room, link }: { readonly room: string; readonly link: string }) {
  return (
    <section class="sheet" aria-hidden="true">
      <p class="sheet-title">{room}</p>
      <QrCode text={link} label={t('invite.qr')} caption={link.replace(/^https:\/\//, '')} />
      <p>{tf('invite.sheet')}</p>
    </section>
  );
}
