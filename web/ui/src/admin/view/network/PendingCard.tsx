import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import type { PendingNetwork } from '../../api.ts';
import { consolesAt, secondsLeft } from '../../model/network.ts';
import { t } from '../../words.ts';
import { Problem, useAction, useBox } from '../use.tsx';

/** A change that is taken back unless somebody who can reach the box confirms it. */
export function PendingCard({ pending, changed }: { readonly pending: PendingNetwork; readonly changed: () => void }) {
  const box = useBox();
  const act = useAction();
  const [left, setLeft] = useState(() => secondsLeft(pending.until, Date.now() - box.skew.peek()));
  useEffect(() => {
    const timer = setInterval(() => setLeft(secondsLeft(pending.until, Date.now() - box.skew.peek())), 500);
    return () => clearInterval(timer);
  }, [pending.until, box]);
  // It comes up above the form that it answers, and there is little time.
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: 'center' });
  }, [pending.id]);
  const send = async (what: 'confirm' | 'take-back') => {
    if (await act.run(() => box.client.send('POST', `/api/v1/network/${what}`, { id: pending.id }))) changed();
  };
  return (
    <div ref={place} tabIndex={-1}>
      <Card title={t('pending.title')} text={t('pending.text')} danger>
        <p class="countdown" aria-hidden="true">
          {t('pending.seconds', { n: left })}
        </p>
        <output class="sr-only">{left % 30 === 0 || left === 10 ? t('pending.seconds', { n: left }) : ''}</output>
        <p>{t('pending.where')}</p>
        <ul class="stack">
          {consolesAt(pending.network, location.port).map((url) => (
            <li key={url}>
              <a href={url}>{url}</a>
            </li>
          ))}
        </ul>
        <Problem of={act} />
        {box.may('admin') ? (
          <div class="buttons">
            <Button kind="primary" disabled={act.busy.value} onClick={() => void send('confirm')}>
              {t('pending.confirm')}
            </Button>
            <Button disabled={act.busy.value} onClick={() => void send('take-back')}>
              {t('pending.revert')}
            </Button>
          </div>
        ) : null}
      </Card>
    </div>
  );
}
