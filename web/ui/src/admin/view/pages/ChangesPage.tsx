import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { Card } from '../../../kit/Card.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { announce } from '../../../kit/Live.tsx';
import { Button } from '../../../kit/Button.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Revision, RevisionDetail, Revisions } from '../../api.ts';
import { differences } from '../../model/diff.ts';
import { known, t } from '../../words.ts';
import { shown } from '../Section.tsx';
import { Loaded, Page, Problem, useAction, useBox, useResource } from '../use.tsx';

export function ChangesPage() {
  const list = useResource<Revisions>('/api/v1/revisions', 15_000);
  const [open, setOpen] = useState<Revision | null>(null);
  return (
    <Page title={t('nav.page.changes')} lead={t('changes.lead')}>
      <Loaded of={list}>
        {(data) => (
          <Card title={t('changes.list')}>
            <Table
              label={t('changes.list')}
              rows={data.revisions}
              rowKey={(r) => String(r.number)}
              empty={t('changes.none')}
              columns={[
                { key: 'section', title: t('what'), head: true, cell: (r) => known('section', r.section) },
                { key: 'at', title: t('time'), cell: (r) => date(r.at) },
                { key: 'who', title: t('who'), cell: (r) => r.who || '–' },
                { key: 'note', title: t('detail'), cell: (r) => (r.reverts ? t('changes.reverts', { n: r.reverts }) : '') },
                {
                  key: 'do',
                  title: '',
                  cell: (r) => (
                    <button type="button" class="link-button" aria-label={t('changes.look-at', { n: r.number })} onClick={() => setOpen(r)}>
                      {t('changes.look')}
                    </button>
                  ),
                },
              ]}
            />
          </Card>
        )}
      </Loaded>
      {open ? (
        <ChangeDialog
          of={open}
          close={() => {
            setOpen(null);
            void list.reload();
          }}
        />
      ) : null}
    </Page>
  );
}

function ChangeDialog({ of, close }: { readonly of: Revision; readonly close: () => void }) {
  const box = useBox();
  const detail = useResource<RevisionDetail>(`/api/v1/revisions/${of.number}`);
  const now = detail.data.value?.now;
  const act = useAction();
  const revert = async (now: number) => {
    if (await act.run(() => box.client.send('POST', `/api/v1/revisions/${of.number}/revert`, undefined, { etag: `"${now}"` }))) {
      announce(t('saved'));
      close();
    } else if (act.code.value === 'conflict') void detail.reload();
  };
  return (
    <Dialog title={`${known('section', of.section)}, ${date(of.at)}`} closeLabel={t('close')} onClose={close}>
      <Loaded of={detail}>
        {(data) => (
          <Table
            label={t('changes.list')}
            rows={differences(data.before, data.after)}
            rowKey={(d) => d.path}
            empty={t('conflict.same')}
            columns={[
              { key: 'path', title: t('conflict.field'), head: true, cell: (d) => <span class="mono">{d.path || known('section', of.section)}</span> },
              { key: 'before', title: t('changes.before'), cell: (d) => shown(d.before) },
              { key: 'after', title: t('changes.after'), cell: (d) => shown(d.after) },
            ]}
          />
        )}
      </Loaded>
      <Problem of={act} />
      {box.may('admin') && now !== undefined ? (
        <div class="dialog-actions">
          <Button kind="primary" disabled={act.busy.value} onClick={() => void revert(now)}>
            {t('changes.revert')}
          </Button>
        </div>
      ) : null}
    </Dialog>
  );
}
