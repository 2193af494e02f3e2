import { ago, date } from '../../../i18n/words.ts';
import { Card, Facts, Notice, Tag } from '../../../kit/Card.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Health, Status } from '../../api.ts';
import type { Certificates, Meetings, Update } from '../../model/kinds.ts';
import { type Attention, attention } from '../../model/attention.ts';
import { known, t } from '../../words.ts';
import { hrefOf } from '../route.ts';
import { Loaded, Page, useBox, useResource } from '../use.tsx';

export function OverviewPage() {
  const box = useBox();
  const health = useResource<Health>('/api/v1/health', 5000);
  const meetings = useResource<Meetings>('/api/v1/meetings', 5000);
  const status = useResource<Status>('/api/v1/status', 15_000);
  const certificates = useResource<Certificates>('/api/v1/certificates', 60_000);
  const update = useResource<Update>('/api/v1/update', 15_000);
  const found = attention(
    { health: health.data.value, certificates: certificates.data.value, update: update.data.value, diagnostics: null, setup: box.setup.value, skew: box.skew.value },
    Date.now(),
  );
  return (
    <Page title={t('nav.page.')}>
      {health.data.value ? (
        <section class="stack" aria-label={t('attention.title')}>
          {found.length === 0 ? (
            <Notice mood="good">
              <p>{t('attention.none')}</p>
            </Notice>
          ) : (
            found.map((a, i) => (
              // oxlint-disable-next-line react/no-array-index-key -- the list is made anew each time
              <Notice
                key={`${a.kind}-${i}`}
                mood={a.bad ? 'bad' : 'warn'}
                action={
                  <a class="button button-secondary" href={hrefOf(a.page)}>
                    {t('attention.look')}
                  </a>
                }
              >
                <p>{words(a)}</p>
              </Notice>
            ))
          )}
        </section>
      ) : null}
      <Loaded of={meetings}>
        {(m) => (
          <>
            <dl class="numbers">
              <Number title={t('overview.meetings')} value={String(m.meetings.length)} />
              <Number title={t('overview.people')} value={String(m.people)} />
            </dl>
            {m.meetings.length > 0 ? (
              <Card title={t('overview.live')}>
                <Table
                  label={t('overview.live')}
                  rows={m.meetings}
                  rowKey={(r) => r.room}
                  empty=""
                  columns={[
                    { key: 'room', title: t('overview.room'), head: true, cell: (r) => r.room },
                    { key: 'people', title: t('overview.people'), cell: (r) => String(r.people) },
                    { key: 'since', title: t('since'), cell: (r) => ago(Date.parse(r.since), Date.now()) },
                  ]}
                />
              </Card>
            ) : null}
          </>
        )}
      </Loaded>
      <div class="columns">
        <Card title={t('overview.services')}>
          <Loaded of={health}>
            {(h) => (
              <Facts
                facts={h.services.map((s) => [
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

function Number({ title, value }: { readonly title: string; readonly value: string }) {
  return (
    <div class="number">
      <dt>{title}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function words(a: Attention): string {
  switch (a.kind) {
    case 'service':
      return t('attention.service', { name: a.name, detail: a.detail });
    case 'expired':
    case 'expires':
      return t(`attention.${a.kind}`, { at: date(a.at, 'day') });
    case 'update-failed':
      return t('attention.update-failed', { detail: a.detail });
    case 'check':
      return t('attention.check', { name: known('check', a.name), detail: a.detail });
    case 'clock':
    case 'trial':
      return t(`attention.${a.kind}`);
  }
}
