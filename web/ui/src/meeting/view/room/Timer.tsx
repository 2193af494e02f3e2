import { useEffect, useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';

/** How long the meeting has been going on. */
export function Timer({ since }: { readonly since: number | null }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (since === null) return null;
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return (
    <time class="timer" aria-label={t('room.duration', { minutes: Math.floor(seconds / 60) })}>
      {hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`}
    </time>
  );
}
