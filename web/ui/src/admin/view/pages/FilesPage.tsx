import { useState } from 'preact/hooks';
import { bytes, date } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice, Progress } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { RoomFiles, Rooms, SharedFile, SharedFiles } from '../../api.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { SectionForm } from '../Section.tsx';
import { Loaded, Page, useBox, useEditor, useResource } from '../use.tsx';

/** The files that are shared in meetings: how many, for how long, and which. */
export function FilesPage() {
  const box = useBox();
  const files = useResource<SharedFiles>('/api/v1/files', 10_000);
  const [gone, setGone] = useState<SharedFile | 'all' | null>(null);
  const operator = box.may('operator');
  return (
    <Page title={t('nav.page.files')} lead={t('files.lead')}>
      <Card title={t('files.title')} aside={operator && (files.data.value?.files.length ?? 0) > 0 ? <Button onClick={() => setGone('all')}>{t('files.delete-all')}</Button> : null}>
        <Loaded of={files}>
          {(data) => (
            <>
              {data.quota === 0 ? (
                <Notice>
                  <p>{t('files.off')}</p>
                </Notice>
              ) : (
                <Progress label={t('files.used', { used: bytes(data.used), quota: bytes(data.quota) })} value={Math.min(1, data.used / data.quota)} />
              )}
              <Table
                label={t('files.title')}
                rows={data.files}
                rowKey={(f) => f.id}
                empty={t('files.none')}
                columns={[
                  { key: 'name', title: t('account.name'), head: true, cell: (f) => f.name },
                  { key: 'size', title: t('files.size'), cell: (f) => bytes(f.size) },
                  { key: 'until', title: t('files.until'), cell: (f) => date(f.until) },
                  {
                    key: 'do',
                    title: '',
                    cell: (f) =>
                      operator ? (
                        <button type="button" class="link-button" aria-label={t('accounts.remove', { name: f.name })} onClick={() => setGone(f)}>
                          {t('remove')}
                        </button>
                      ) : null,
                  },
                ]}
              />
            </>
          )}
        </Loaded>
      </Card>
      <Rules />
      {gone ? (
        <Confirm
          title={gone === 'all' ? t('files.delete-all') : t('files.delete', { name: gone.name })}
          text={<p>{t('files.delete-text')}</p>}
          label={t('remove')}
          people
          act={() => box.client.send('DELETE', gone === 'all' ? '/api/v1/files' : `/api/v1/files/${encodeURIComponent(gone.id)}`)}
          onClose={() => setGone(null)}
          onDone={() => {
            setGone(null);
            void files.reload();
          }}
        />
      ) : null}
    </Page>
  );
}

const numberOf = (text: string) => Number(text.replaceAll(/\D/g, ''));
const textOf = (n: number | undefined) => (n ? String(n) : '');

function Rules() {
  const section = useEditor<Rooms>('/api/v1/settings/rooms');
  return (
    <Card title={t('files.rules')} text={t('files.rules-text')}>
      <SectionForm of={section}>
        {(draft, error) => {
          const files = draft.files ?? {};
          const put = (change: Partial<RoomFiles>) => section.change({ files: { ...files, ...change } });
          return (
            <div class="form-row">
              <TextField label={t('rooms.file')} value={textOf(files.max_mb)} placeholder={t('rooms.no-files')} inputMode="numeric" error={error('files.max_mb')} onInput={(v) => put({ max_mb: numberOf(v) })} />
              <TextField label={t('rooms.file-total')} value={textOf(files.total_mb)} inputMode="numeric" error={error('files.total_mb')} onInput={(v) => put({ total_mb: numberOf(v) })} />
              <TextField label={t('rooms.file-hours')} value={textOf(files.hours)} placeholder="24" inputMode="numeric" error={error('files.hours')} onInput={(v) => put({ hours: numberOf(v) })} />
            </div>
          );
        }}
      </SectionForm>
    </Card>
  );
}
