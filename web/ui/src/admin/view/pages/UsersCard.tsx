import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { User, Users } from '../../api.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { NewPassword } from '../Password.tsx';
import { Loaded, Problem, useAction, useBox, useResource } from '../use.tsx';

/** Who logs in for meetings and messages; guests need none of it. */
export function UsersCard() {
  const box = useBox();
  const list = useResource<Users>('/api/v1/users');
  const [open, setOpen] = useState<User | 'new' | null>(null);
  const [gone, setGone] = useState<User | null>(null);
  const admin = box.may('admin');
  const refresh = () => {
    setOpen(null);
    setGone(null);
    void list.reload();
  };
  return (
    <Card title={t('users.title')} text={t('users.text')} aside={admin ? <Button onClick={() => setOpen('new')}>{t('users.add')}</Button> : null}>
      <Loaded of={list}>
        {(data) => (
          <Table
            label={t('users.title')}
            rows={data.users}
            rowKey={(u) => u.name}
            empty={t('tokens.none')}
            columns={[
              { key: 'name', title: t('account.name'), head: true, cell: (u) => u.name },
              {
                key: 'do',
                title: '',
                cell: (u) =>
                  admin ? (
                    <span class="buttons row-buttons">
                      <button type="button" class="link-button" aria-label={t('accounts.change', { name: u.name })} onClick={() => setOpen(u)}>
                        {t('change')}
                      </button>
                      <button type="button" class="link-button" aria-label={t('accounts.remove', { name: u.name })} onClick={() => setGone(u)}>
                        {t('remove')}
                      </button>
                    </span>
                  ) : null,
              },
            ]}
          />
        )}
      </Loaded>
      {open ? <UserDialog user={open === 'new' ? null : open} done={refresh} close={() => setOpen(null)} /> : null}
      {gone ? (
        <Confirm
          title={t('accounts.remove', { name: gone.name })}
          text={<p>{t('users.remove-text')}</p>}
          label={t('remove')}
          act={() => box.client.send('DELETE', `/api/v1/users/${encodeURIComponent(gone.name)}`)}
          onClose={() => setGone(null)}
          onDone={refresh}
        />
      ) : null}
    </Card>
  );
}

interface UserDialogProps {
  /** null for a new one. */
  readonly user: User | null;
  readonly done: () => void;
  readonly close: () => void;
}

function UserDialog({ user, done, close }: UserDialogProps) {
  const { client } = useBox();
  const act = useAction();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const go = async (event: Event) => {
    event.preventDefault();
    const send = user
      ? () => client.send('PUT', `/api/v1/users/${encodeURIComponent(user.name)}/password`, { password })
      : () => client.send('POST', '/api/v1/users', { name: name.trim(), password });
    if (await act.run(send)) done();
  };
  return (
    <Dialog title={user ? t('accounts.change', { name: user.name }) : t('users.add')} closeLabel={t('close')} onClose={close}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <Problem of={act} />
        {user ? null : <TextField label={t('account.name')} value={name} error={act.fields.value['name']} onInput={setName} />}
        <NewPassword label={user ? t('account.new-password') : t('account.password')} value={password} error={act.fields.value['password']} onInput={setPassword} />
        <Button kind="primary" type="submit" disabled={act.busy.value}>
          {t('save')}
        </Button>
      </form>
    </Dialog>
  );
}
