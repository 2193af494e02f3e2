import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { ago } from '../../../i18n/words.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice } from '../../../kit/Card.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { SelectField, TextField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { MadeToken, Role, Tokens as List } from '../../api.ts';
import { suffices } from '../../model/console.ts';
import { t } from '../../words.ts';
import { Loaded, Problem, useAction, useBox, useResource } from '../use.tsx';
import { roles } from './Accounts.tsx';

export function Tokens() {
  const { client } = useBox();
  const list = useResource<List>('/api/v1/tokens');
  const [open, setOpen] = useState(false);
  const act = useAction();
  const drop = async (id: string) => {
    if (await act.run(() => client.send('DELETE', `/api/v1/tokens/${encodeURIComponent(id)}`))) await list.reload();
  };
  return (
    <Card title={t('tokens.title')} text={t('tokens.text')} aside={<Button onClick={() => setOpen(true)}>{t('tokens.add')}</Button>}>
      <Problem of={act} />
      <Loaded of={list}>
        {(data) => (
          <Table
            label={t('tokens.title')}
            rows={data.tokens}
            rowKey={(k) => k.id}
            empty={t('tokens.none')}
            columns={[
              { key: 'name', title: t('tokens.name'), head: true, cell: (k) => k.name },
              { key: 'role', title: t('account.role'), cell: (k) => t(`role.${k.role}`) },
              { key: 'scopes', title: t('tokens.scopes'), cell: (k) => <span class="mono">{k.scopes.join(' ')}</span> },
              { key: 'expires', title: t('expires'), cell: (k) => (k.expires ? date(k.expires, 'day') : t('never')) },
              { key: 'seen', title: t('seen'), cell: (k) => (k.seen ? ago(Date.parse(k.seen), Date.now()) : t('never')) },
              {
                key: 'do',
                title: '',
                cell: (k) => (
                  <button type="button" class="link-button" aria-label={t('tokens.remove', { name: k.name })} onClick={() => void drop(k.id)}>
                    {t('remove')}
                  </button>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {open ? (
        <NewTokenDialog
          close={() => {
            setOpen(false);
            void list.reload();
          }}
        />
      ) : null}
    </Card>
  );
}

function NewTokenDialog({ close }: { readonly close: () => void }) {
  const { client, session } = useBox();
  const act = useAction();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [scopes, setScopes] = useState('status:read health:read meetings:read');
  const [days, setDays] = useState('365');
  const [made, setMade] = useState<MadeToken | null>(null);
  const mine = session.value?.role ?? 'viewer';
  const go = (event: Event) => {
    event.preventDefault();
    const wanted = { name: name.trim(), role, scopes: scopes.split(/[\s,]+/).filter(Boolean), days: Number(days) || 0 };
    void act.run(async () => setMade((await client.send<MadeToken>('POST', '/api/v1/tokens', wanted)).data));
  };
  return (
    <Dialog title={t('tokens.add')} closeLabel={t('close')} onClose={close}>
      {made ? (
        <>
          <Notice mood="warn">
            <p>{t('tokens.once')}</p>
          </Notice>
          <TextField label={t('tokens.secret')} value={made.secret} mono readOnly onInput={() => undefined} />
        </>
      ) : (
        <form class="form" onSubmit={go}>
          <Problem of={act} />
          <TextField label={t('tokens.name')} value={name} error={act.fields.value['name']} onInput={setName} />
          <SelectField label={t('account.role')} value={role} options={roles.filter((r) => suffices(mine, r)).map((r) => ({ value: r, label: t(`role.${r}`) }))} onChange={(r) => setRole(r as Role)} />
          <TextField label={t('tokens.scopes')} value={scopes} mono hint={t('tokens.scopes-hint')} error={act.fields.value['scopes']} onInput={setScopes} />
          <TextField label={t('tokens.days')} value={days} inputMode="numeric" error={act.fields.value['days']} onInput={setDays} />
          <Button kind="primary" type="submit" disabled={act.busy.value}>
            {t('tokens.add')}
          </Button>
        </form>
      )}
    </Dialog>
  );
}
