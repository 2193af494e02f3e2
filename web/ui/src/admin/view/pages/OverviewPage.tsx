import { useEffect, useRef, useState } from 'preact/hooks';
import { bytes, date } from '../../../i18n/format.ts';
import { ago } from '../../../i18n/words.ts';
import { Card, Facts, Notice, Tag } from '../../../kit/Card.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Overview, Status } from '../../api.ts';
import { attention, rate } from '../../model/attention.ts';
import { percent, roomName } from '../../model/seats.ts';
import { t } from '../../words.ts';
import { lazyPage } from '../lazy.tsx';
import { hrefOf } from '../route.ts';
import { Loaded, Page, useBox, useResource } from '../use.tsx';

const Graphs = lazyPage(async () => (await import('../overview/Graphs.tsx')).Graphs);

export function OverviewPage() {
  const overview = useResource<Overview>('/api/v1/overview', 5000);
  const status = useResource<Status>('/api/v1/status', 15_000);
  return (
    <Page title={t('nav.page.')}>
      <Loaded of={overview}>{(o) => <Live overview={o} />}</Loaded>
      <Graphs />
      <div class="columns">
        <Card title={t('overview.services')}>
          <Loaded of={overview}>
            {(o) => (
              <Facts
                facts={o.services.map((s) => [
                  s.name,
                  <span class="service" key={s.name}>
                    <Tag mood={s.ok ? 'good' : 'bad'}>{s.ok ? t('service.ok') : t('service.bad')}</Tag>
                    <span class="soft">{s.detail}</span>
                  </span>,
                ])}
              />
            )}
          </Loaded>
        </Card>
        <Card title={t('overview.addresses')}>
          <Loaded of={status}>
            {(s) => (
              <>
                <ul class="stack">
                  {s.urls.map((url) => (
                    <li key={url}>
                      <a href={url} target="_blank" rel="noreferrer">
                        {url}
                      </a>
                    </li>
                  ))}
                </ul>
                {s.scan === '' ? null : <QrCode text={s.scan} label={t('overview.qr')} caption={t('overview.qr-text')} />}
              </>
            )}
          </Loaded>
        </Card>
      </div>
      <Card title={t('overview.box')}>
        <Loaded of={status}>
          {(s) => (
            <Facts
              facts={[
                [t('overview.version'), s.version],
                [t('overview.started'), date(s.started)],
                [t('overview.media'), <span class="mono">{`${s.media.join(', ')} · UDP ${s.media_port}`}</span>],
              ]}
            />
          )}
        </Loaded>
      </Card>
    </Page>
  );
}

function Live({ overview }: { readonly overview: Overview }) {
  const box = useBox();
  const { meetings, people } = overview.meetings;
  return (
    <>
      <section class="stack" aria-label={t('attention.title')}>
        <Attentions found={attention(overview, box.skew.value)} />
      </section>
      <dl class="numbers">
        <Number title={t('overview.meetings')} value={overview.known ? String(meetings.length) : '–'} />
        <Number title={t('overview.people')} value={overview.known ? String(people) : '–'} />
        <Number title={t('overview.traffic')} value={useRate(overview)} />
        <Number title={t('overview.cpu')} value={useLoad(overview)} />
        <Number title={t('overview.memory')} value={bytes(overview.memory)} />
        {overview.temperature > 0 ? <Number title={t('overview.temperature')} value={`${Math.round(overview.temperature)} °C`} /> : null}
        {overview.worst ? <Number title={t('overview.loss')} value={percent(overview.loss)} /> : null}
      </dl>
      {overview.worst ? (
        <p>
          <span class="soft">{t('overview.worst')}: </span>
          <a href={hrefOf(`meetings/${encodeURIComponent(overview.worst.meeting)}`)}>
            {t('overview.worst-text', { name: overview.worst.name || overview.worst.endpoint, room: roomName(overview.worst.room), loss: percent(overview.worst.loss), rtt: Math.round(overview.worst.rtt) })}
          </a>
        </p>
      ) : null}
      {meetings.length > 0 ? (
        <Card title={t('overview.live')}>
          <Table
            label={t('overview.live')}
            rows={meetings}
            rowKey={(m) => m.room}
            empty=""
            columns={[
              { key: 'room', title: t('overview.room'), head: true, cell: (m) => <a href={hrefOf(`meetings/${encodeURIComponent(m.id)}`)}>{roomName(m.room)}</a> },
              { key: 'people', title: t('overview.people'), cell: (m) => String(m.people) },
              { key: 'since', title: t('since'), cell: (m) => ago(Date.parse(m.since), Date.now() - box.skew.value) },
            ]}
          />
        </Card>
      ) : null}
    </>
  );
}

function Attentions({ found }: { readonly found: ReturnType<typeof attention> }) {
  if (found.length === 0) {
    return (
      <Notice mood="good">
        <p>{t('attention.none')}</p>
      </Notice>
    );
  }
  return (
    <>
      {found.map((a) => (
        <Notice
          key={`${a.code} ${a.text}`}
          mood={a.code === 'service' ? 'bad' : 'warn'}
          action={
            a.page ? (
              <a class="button button-secondary" href={hrefOf(a.page)}>
                {t('attention.look')}
              </a>
            ) : undefined
          }
        >
          <p>{a.code === 'skew' ? t('attention.clock') : a.text}</p>
        </Notice>
      ))}
    </>
  );
}

function Number({ title, value }: { readonly title: string; readonly value: string }) {
  return (
    <div class="number">
      <dt>{title}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** How much goes through in a second, by two answers of the box. */
function useRate(overview: Overview): string {
  const before = useRef<{ at: number; bytes: number } | null>(null);
  const [text, setText] = useState('–');
  useEffect(() => {
    const now = { at: Date.now(), bytes: overview.traffic.received_bytes + overview.traffic.sent_bytes };
    const found = rate(before.current, now);
    before.current = now;
    if (found !== null) setText(`${bytes(found)}/s`);
  }, [overview]);
  return text;
}

/** How much of the processor is in use, by two answers of the box. */
function useLoad(overview: Overview): string {
  const before = useRef<{ at: number; bytes: number } | null>(null);
  const [text, setText] = useState('–');
  useEffect(() => {
    const now = { at: Date.now(), bytes: overview.cpu };
    const found = rate(before.current, now);
    before.current = now;
    if (found !== null) setText(percent(found / Math.max(1, overview.cores)));
  }, [overview]);
  return text;
}
