import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts, Tag } from '../../../kit/Card.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import type { ReceivedCheck, ReceivedChecks, Status } from '../../api.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { Loaded, Page, Problem, useAction, useBox, useResource } from '../use.tsx';

const moods = { good: 'good', warn: 'warn', bad: 'bad', skipped: 'calm' } as const;

/** What people's devices found on the page /check. */
export function ChecksPage() {
  const box = useBox();
  const list = useResource<ReceivedChecks>('/api/v1/checks', 15_000);
  const status = useResource<Status>('/api/v1/status', 60_000);
  const [all, setAll] = useState(false);
  const act = useAction();
  const drop = async (id: string) => {
    if (await act.run(() => box.client.send('DELETE', `/api/v1/checks/${encodeURIComponent(id)}`))) await list.reload();
  };
  const home = status.data.value?.scan || status.data.value?.urls[0];
  const operator = box.may('operator');
  return (
    <Page title={t('nav.page.checks')} lead={t('checks.lead')} aside={operator && (list.data.value?.reports.length ?? 0) > 0 ? <Button onClick={() => setAll(true)}>{t('checks.remove-all')}</Button> : null}>
      {home ? (
        <Card title={t('checks.page')}>
          <p>
            <a href={`${home}/check`} target="_blank" rel="noreferrer">
              {home}/check
            </a>
          </p>
          <QrCode text={`${home}/check`} label={t('checks.qr')} caption={t('checks.qr-text')} />
        </Card>
      ) : null}
      <Problem of={act} />
      <Loaded of={list}>
        {(data) =>
          data.reports.length === 0 ? <p class="table-empty">{t('checks.none')}</p> : <>{data.reports.map((r) => <Report key={r.id} report={r} drop={operator ? () => void drop(r.id) : null} />)}</>
        }
      </Loaded>
      {all ? (
        <Confirm
          title={t('checks.remove-all')}
          text={<p>{t('checks.remove-text')}</p>}
          label={t('remove')}
          act={() => box.client.send('DELETE', '/api/v1/checks')}
          onClose={() => setAll(false)}
          onDone={() => {
            setAll(false);
            void list.reload();
          }}
        />
      ) : null}
    </Page>
  );
}

function Report({ report, drop }: { readonly report: ReceivedCheck; readonly drop: (() => void) | null }) {
  const { report: r } = report;
  const worst = r.probes.some((p) => p.state === 'bad') ? 'bad' : r.probes.some((p) => p.state === 'warn') ? 'warn' : 'good';
  const told = r.probes.filter((p) => p.state !== 'good' || p.detail);
  return (
    <Card
      title={[report.id, r.name].filter(Boolean).join(' · ')}
      text={[date(report.at), report.from].join(' · ')}
      aside={
        <span class="buttons">
          <Tag mood={moods[worst]}>{r.code}</Tag>
          {drop ? (
            <button type="button" class="link-button" aria-label={t('checks.remove', { id: report.id })} onClick={drop}>
              {t('remove')}
            </button>
          ) : null}
        </span>
      }
    >
      {r.note ? <p>{r.note}</p> : null}
      <details>
        <summary>{t('detail')}</summary>
        <Facts
          facts={[
            ...told.map((p) => [
              p.name,
              <span class="service" key={p.name}>
                <Tag mood={moods[p.state as keyof typeof moods] ?? 'calm'}>{p.code}</Tag> <span class="soft mono">{p.detail}</span>
              </span>,
            ] as const),
            [t('checks.browser'), <span class="mono">{r.browser ?? ''}</span>] as const,
            [t('checks.address'), <span class="mono">{r.address ?? ''}</span>] as const,
          ]}
        />
      </details>
    </Card>
  );
}
