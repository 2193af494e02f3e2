import { useEffect, useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import { Tool } from '../../../kit/tools.tsx';
import type { Audit, AuditRow } from '../../api.ts';
import { t } from '../../words.ts';
import { Loaded, Page, Problem, useAction, useBox, useResource } from '../use.tsx';

export function AuditPage() {
  const { client } = useBox();
  const newest = useResource<Audit>('/api/v1/audit', 15_000);
  const [older, setOlder] = useState<{ rows: readonly AuditRow[]; more: boolean } | null>(null);
  const [filter, setFilter] = useState('');
  const act = useAction();
  const [first, setFirst] = useState<Audit | null>(null);
  const now = newest.data.value;
  useEffect(() => {
    if (now && !older) setFirst(now);
  }, [now, older]);
  const rows = older && first ? [...first.rows, ...older.rows] : (now?.rows ?? []);
  const more = older ? older.more : (now?.more ?? false);
  const load = () =>
    act.run(async () => {
      const last = rows.at(-1)?.number ?? 0;
      const { data } = await client.get<Audit>(`/api/v1/audit?before=${last}`);
      setOlder({ rows: [...(older?.rows ?? []), ...data.rows], more: data.more });
    });
  const wanted = filter.trim().toLowerCase();
  return (
    <Page
      title={t('nav.page.audit')}
      lead={t('audit.lead')}
      aside={
        <a class="button button-secondary" href="/api/v1/audit.jsonl" download="meetbox-audit.jsonl">
          <Tool name="download" size={18} />
          {t('export')}
        </a>
      }
    >
      <Loaded of={newest}>
        {(data) => (
          <>
            <Notice mood={data.intact ? 'good' : 'bad'}>
              <p>{data.intact ? t('audit.intact') : t('audit.broken', { n: data.broken ?? 0 })}</p>
            </Notice>
            <Card title={t('audit.rows')}>
              <TextField label={t('filter')} type="search" value={filter} onInput={setFilter} />
              <Table
                label={t('audit.rows')}
                rows={rows.filter((r) => wanted === '' || JSON.stringify(r).toLowerCase().includes(wanted))}
                rowKey={(r) => String(r.number)}
                empty={t('nothing')}
                columns={[
                  { key: 'at', title: t('time'), cell: (r) => date(r.at, 'second') },
                  { key: 'who', title: t('who'), cell: (r) => r.who || '–' },
                  { key: 'what', title: t('what'), head: true, cell: (r) => [r.action, r.object].filter(Boolean).join(' ') },
                  { key: 'detail', title: t('detail'), cell: (r) => r.detail ?? '' },
                  { key: 'from', title: t('from'), cell: (r) => <span class="mono">{r.from ?? ''}</span> },
                ]}
              />
              <Problem of={act} />
              {more ? (
                <Button disabled={act.busy.value} onClick={() => void load()}>
                  {t('older')}
                </Button>
              ) : null}
            </Card>
          </>
        )}
      </Loaded>
    </Page>
  );
}
