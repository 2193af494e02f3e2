import { ago } from '../../../i18n/words.ts';
import { Card, Tag } from '../../../kit/Card.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Session, Sessions as List } from '../../api.ts';
import { browserOf } from '../../model/browser.ts';
import { t } from '../../words.ts';
import { Loaded, Problem, useAction, useBox, useResource } from '../use.tsx';

export function Sessions() {
  const { client } = useBox();
  const list = useResource<List>('/api/v1/sessions');
  const act = useAction();
  const end = async (s: Session) => {
    if (await act.run(() => client.send('DELETE', `/api/v1/sessions/${encodeURIComponent(s.id)}`))) await list.reload();
  };
  return (
    <Card title={t('sessions.title')}>
      <Problem of={act} />
      <Loaded of={list}>
        {(data) => (
          <Table
            label={t('sessions.title')}
            rows={data.sessions}
            rowKey={(s) => s.id}
            empty="–"
            columns={[
              { key: 'account', title: t('account.name'), head: true, cell: (s) => s.account },
              { key: 'browser', title: t('sessions.browser'), cell: (s) => <span title={s.agent}>{browserOf(s.agent)}</span> },
              { key: 'from', title: t('from'), cell: (s) => <span class="mono">{s.from}</span> },
              { key: 'seen', title: t('seen'), cell: (s) => ago(Date.parse(s.seen), Date.now()) },
              {
                key: 'do',
                title: '',
                cell: (s) =>
                  s.current ? (
                    <Tag mood="good">{t('sessions.this')}</Tag>
                  ) : (
                    <button type="button" class="link-button" aria-label={t('sessions.end-of', { name: s.account, from: s.from })} onClick={() => void end(s)}>
                      {t('sessions.end')}
                    </button>
                  ),
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
