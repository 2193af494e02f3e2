import { useEffect, useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { Avatar } from '../../../kit/Person.tsx';
import type { Speakers } from '../../model/together/speakers.ts';
import type { Meeting } from '../../model/types.ts';
import { Panel } from '../room/Panel.tsx';
import './together.css';
import './speakers.css';

/** Who has spoken for how long. */
export function SpeakersPanel({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  const speakers = meeting.together.value?.speakers;
  return (
    <Panel title={tt('stats.title')} close={close}>
      {speakers ? <Table speakers={speakers} /> : <p class="panel-note">{tt('loading')}</p>}
    </Panel>
  );
}

function Table({ speakers }: { readonly speakers: Speakers }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const list = speakers.at(now);
  const most = Math.max(...list.map((s) => s.total), 1);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- else nobody scrolls it by keyboard
    <section class="panel-body" tabIndex={0} aria-label={tt('stats.title')}>
      <table class="speakers">
        <thead class="sr-only">
          <tr>
            <th scope="col">{tt('stats.name')}</th>
            <th scope="col">{tt('stats.time')}</th>
          </tr>
        </thead>
        <tbody>
          {list.map((s) => {
            const name = s.name || t('person.guest');
            return (
              <tr key={s.id} class={s.here ? 'speaker' : 'speaker speaker-left'}>
                <th scope="row">
                  <Avatar name={name} size="2rem" />
                  <span class="speaker-text">
                    <span class="speaker-name">{s.own ? t('person.me', { name }) : name}</span>
                    {s.speaking ? <span class="speaker-note speaker-now">{tt('stats.now')}</span> : s.here ? null : <span class="speaker-note">{tt('stats.left')}</span>}
                    <span class="speaker-bar" aria-hidden="true">
                      <span style={{ inlineSize: `${(s.total / most) * 100}%` }} />
                    </span>
                  </span>
                </th>
                <td>{duration(s.total)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** Minutes and seconds, hours when there are some. */
function duration(ms: number): string {
  const s = Math.floor(ms / 1000);
  const parts = [Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, '0'));
  return s >= 3600 ? [Math.floor(s / 3600), ...parts].join(':') : parts.join(':');
}
