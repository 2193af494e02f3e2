import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { announce } from '../../../kit/Live.tsx';
import type { Meeting, Notice } from '../../model/types.ts';
import { ShareKind } from '../media/lazy.ts';
import { interruptionText, noticeText } from '../app/words.ts';

// An interruption that is mended within this time needs no words.
const patience = 700;
// Long enough to read twice.
const noticeTime = 6000;

/** That the connection is being made again, and what still works. */
export function Reconnecting({ meeting }: { readonly meeting: Meeting }) {
  const phase = meeting.phase.value;
  const shown = useSignal(false);
  const broken = phase.at === 'reconnecting';
  useEffect(() => {
    if (!broken) {
      shown.value = false;
      return undefined;
    }
    const timer = setTimeout(() => {
      shown.value = true;
    }, patience);
    return () => clearTimeout(timer);
  }, [broken, shown]);
  if (phase.at !== 'reconnecting' || !shown.value) return null;
  const { title, text } = interruptionText(phase.why);
  return (
    <div class="banner" role="alert">
      <span class="spinner" aria-hidden="true" />
      <p>
        <strong>{title}</strong> {text}
      </p>
    </div>
  );
}

/** That our own screen is seen by everybody. */
export function Sharing({ meeting }: { readonly meeting: Meeting }) {
  if (meeting.media.screen.value !== 'on') return null;
  return (
    <output class="banner banner-sharing">
      <Icon name="screen" size={20} />
      <span>{t('sharing.text')}</span>
      <ShareKind media={meeting.media} />
      <Button kind="secondary" onClick={() => void meeting.shareScreen(false)}>
        {t('sharing.stop')}
      </Button>
    </output>
  );
}

/** Short messages that go by themselves. */
export function Notices({ meeting }: { readonly meeting: Meeting }) {
  // Whoever opens a room is its moderator at once, and has nobody to moderate: no news.
  const alone = meeting.participants.value.length < 2;
  const own = alone ? meeting.notices.value.find((n) => n.kind === 'moderator')?.id : undefined;
  useEffect(() => {
    if (own !== undefined) meeting.dismiss(own);
  }, [meeting, own]);
  return (
    <ul class="notices">
      {meeting.notices.value.filter((n) => n.id !== own).slice(-3).map((notice) => (
        <NoticeLine key={notice.id} notice={notice} dismiss={() => meeting.dismiss(notice.id)} />
      ))}
    </ul>
  );
}

function NoticeLine({ notice, dismiss }: { readonly notice: Notice; readonly dismiss: () => void }) {
  useEffect(() => {
    announce(noticeText(notice));
    const timer = setTimeout(dismiss, noticeTime);
    return () => clearTimeout(timer);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- one notice is one announcement and one timer
  }, [notice.id]);
  return (
    <li class="notice">
      <span>{noticeText(notice)}</span>
      <IconButton label={t('notice.dismiss')} look="plain" small onClick={dismiss}>
        <Icon name="close" size={16} />
      </IconButton>
    </li>
  );
}
