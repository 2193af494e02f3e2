import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Tag } from '../../../kit/Card.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { SelectField, TextField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Account, Accounts as List, Role } from '../../api.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { NewPassword } from '../Password.tsx';
import { Loaded, Problem, useAction, useBox, useResource } from '../use.tsx';

export const roles = ['viewer', 'auditor', 'operator', 'admin', 'owner'] as const satisfies readonly Role[];

export function Accounts() {
  const box = useBox();
  const list = useResource<List>('/api/v1/accounts');
  const [open, setOpen] = useState<'new' | Account | null>(null);
  const [gone, setGone] = useState<Account | null>(null);
  const owner = box.may('owner');
  const refresh = () => {
    setOpen(null);
    setGone(null);
    void list.reload();
  };
  return (
    <Card title={t('accounts.title')} aside={owner ? <Button onClick={() => setOpen('new')}>{t('accounts.add')}</Button> : null}>
      <Loaded of={list}>
        {(data) => (
          <Table
            label={t('accounts.title')}
            rows={data.accounts}
            rowKey={(a) => a.name}
            empty="–"
            columns={[
              { key: 'name', title: t('account.name'), head: true, cell: (a) => a.name },
              { key: 'role', title: t('account.role'), cell: (a) => t(`role.${a.role}`) },
              { key: 'source', title: t('account.source'), cell: (a) => (a.source === 'ldap' ? 'LDAP' : a.source === 'oidc' ? 'OpenID Connect' : t('account.source-box')) },
              { key: 'two', title: t('me.one-time'), cell: (a) => (a.one_time ? <Tag mood="good">{t('yes')}</Tag> : <Tag>{t('no')}</Tag>) },
              { key: 'created', title: t('created'), cell: (a) => date(a.created, 'day') },
              {
                key: 'do',
                title: '',
                cell: (a) =>
                  owner ? (
                    <span class="buttons row-buttons">
                      {a.source ? null : (
                        <button type="button" class="link-button" aria-label={t('accounts.change', { name: a.name })} onClick={() => setOpen(a)}>
                          {t('change')}
                        </button>
                      )}
                      <button type="button" class="link-button" aria-label={t('accounts.remove', { name: a.name })} onClick={() => setGone(a)}>
                        {t('remove')}
                      </button>
                    </span>
                  ) : null,
              },
            ]}
          />
        )}
      </Loaded>
      {open === 'new' ? <NewDialog done={refresh} close={() => setOpen(null)} /> : null}
      {open !== null && open !== 'new' ? (
        <ChangeDialog account={list.data.value?.accounts.find((a) => a.name === open.name) ?? open} done={refresh} stale={() => void list.reload()} close={() => setOpen(null)} />
      ) : null}
      {gone ? (
        <Confirm
          title={t('accounts.remove', { name: gone.name })}
          text={<p>{t('accounts.remove-text')}</p>}
          label={t('remove')}
          act={() => box.client.send('DELETE', `/api/v1/accounts/${encodeURIComponent(gone.name)}`)}
          onClose={() => setGone(null)}
          onDone={refresh}
        />
      ) : null}
    </Card>
  );
}

interface DialogProps {
  readonly done: () => void;
  readonly close: () => void;
}

const roleOptions = () => roles.map((r) => ({ value: r, label: `${t(`role.${r}`)}: ${t(`role.${r}.hint`)}` }));

function NewDialog({ done, close }: DialogProps) {
  const { client } = useBox();
  const act = useAction();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('admin');
  const [password, setPassword] = useState('');
  const go = async (event: Event) => {
    event.preventDefault();
    if (await act.run(() => client.send('POST', '/api/v1/accounts', { name: name.trim(), role, password }))) done();
  };
  return (
    <Dialog title={t('accounts.add')} closeLabel={t('close')} onClose={close}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <Problem of={act} />
        <TextField label={t('account.name')} value={name} error={act.fields.value['name']} onInput={setName} />
        <SelectField label={t('account.role')} value={role} options={roleOptions()} onChange={(r) => setRole(r as Role)} />
        <NewPassword label={t('account.password')} value={password} error={act.fields.value['password']} onInput={setPassword} />
        <Button kind="primary" type="submit" disabled={act.busy.value}>
          {t('accounts.add')}
        </Button>
      </form>
    </Dialog>
  );
}

/** stale: somebody else has changed the account meanwhile; what is typed stays, and may be sent again. */
function ChangeDialog({ account, done, stale, close }: DialogProps & { readonly account: Account; readonly stale: () => void }) {
  const { client } = useBox();
  const act = useAction();
  const [role, setRole] = useState<Role>(account.role);
  const [password, setPassword] = useState('');
  const path = `/api/v1/accounts/${encodeURIComponent(account.name)}`;
  const dropOneTime = async () => {
    if (await act.run(() => client.send('DELETE', `${path}/one-time`))) done();
  };
  const go = async (event: Event) => {
    event.preventDefault();
    const change = { ...(role === account.role ? {} : { role }), ...(password === '' ? {} : { password }) };
    if (await act.run(() => client.send('PATCH', path, change, { etag: `"${account.revision}"` }))) done();
    else if (act.code.value === 'conflict') stale();
  };
  return (
    <Dialog title={t('accounts.change', { name: account.name })} closeLabel={t('close')} onClose={close}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <Problem of={act} />
        <SelectField label={t('account.role')} value={role} options={roleOptions()} onChange={(r) => setRole(r as Role)} />
        <NewPassword label={t('accounts.new-password')} value={password} error={act.fields.value['password']} onInput={setPassword} />
        <div class="buttons">
          <Button kind="primary" type="submit" disabled={act.busy.value}>
            {t('save')}
          </Button>
          {account.one_time ? <Button onClick={() => void dropOneTime()}>{t('one-time.end')}</Button> : null}
        </div>
      </form>
    </Dialog>
  );
}
