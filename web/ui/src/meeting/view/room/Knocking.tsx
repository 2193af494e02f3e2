import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { announce } from '../../../kit/Live.tsx';
import { Avatar } from '../../../kit/Person.tsx';
import type { Meeting } from '../../model/types.ts';
import './knocking.css';

/** As many as do not cover the meeting; the others come up as these are answered. */
const most = 3;

/** Who waits in front of the door, and a moderator's two answers. */
export function Knocking({ meeting }: { readonly meeting: Meeting }) {
  const waiting = meeting.knocking.value;
  const told = useRef(new Set<string>());
  useEffect(() => {
    for (const { id, name } of waiting) {
      if (!told.current.has(id)) announce(t('knock.text', { name }));
      told.current.add(id);
    }
  }, [waiting]);
  if (waiting.length === 0) return null;
  return (
    <section class="knocking" aria-label={t('knock.title')}>
      <ul>
        {waiting.slice(0, most).map(({ id, name }) => (
          <li key={id} class="knock">
            <Avatar name={name} />
            <p>{t('knock.text', { name })}</p>
            <span class="knock-answers">
              <Button kind="primary" onClick={() => meeting.admit(id)}>
                {t('knock.admit')}
              </Button>
              <Button onClick={() => void meeting.turnAway(id)}>{t('knock.deny')}</Button>
            </span>
          </li>
        ))}
      </ul>
      {waiting.length > most ? <p class="knock-more">{t('knock.more', { n: waiting.length - most })}</p> : null}
    </section>
  );
}
