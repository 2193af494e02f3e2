import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice } from '../../../kit/Card.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { announce } from '../../../kit/Live.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import type { OneTimeKey, RecoveryCodes } from '../../api.ts';
import { t } from '../../words.ts';
import { NewPassword } from '../Password.tsx';
import { Problem, useAction, useBox } from '../use.tsx';
import { Codes } from './Codes.tsx';

export function MyAccount() {
  const [open, setOpen] = useState<'' | 'password' | 'one-time' | 'codes'>('');
  const close = () => setOpen('');
  return (
    <Card title={t('me.title')} text={t('me.text')}>
      <div class="buttons">
        <Button onClick={() => setOpen('password')}>{t('me.password')}</Button>
        <Button onClick={() => setOpen('one-time')}>{t('me.one-time')}</Button>
        <Button onClick={() => setOpen('codes')}>{t('me.codes')}</Button>
      </div>
      {open === 'password' ? <PasswordDialog close={close} /> : null}
      {open === 'one-time' ? <OneTimeDialog close={close} /> : null}
      {open === 'codes' ? <CodesDialog close={close} /> : null}
    </Card>
  );
}

function PasswordDialog({ close }: { readonly close: () => void }) {
  const { client } = useBox();
  const act = useAction();
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const go = async (event: Event) => {
    event.preventDefault();
    if (!(await act.run(() => client.send('PUT', '/api/v1/session/password', { old, new: next })))) return;
    announce(t('saved'));
    close();
  };
  return (
    <Dialog title={t('me.password')} closeLabel={t('close')} onClose={close}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <Problem of={act} />
        <TextField label={t('me.old')} type="password" value={old} autocomplete="current-password" error={act.fields.value['old']} onInput={setOld} />
        <NewPassword label={t('account.new-password')} value={next} error={act.fields.value['new'] ?? act.fields.value['password']} onInput={setNext} />
        <Button kind="primary" type="submit" disabled={act.busy.value}>
          {t('save')}
        </Button>
      </form>
    </Dialog>
  );
}

function OneTimeDialog({ close }: { readonly close: () => void }) {
  const { client } = useBox();
  const act = useAction();
  const [key, setKey] = useState<OneTimeKey | null>(null);
  const [code, setCode] = useState('');
  const begin = () => act.run(async () => setKey((await client.send<OneTimeKey>('POST', '/api/v1/session/one-time')).data));
  const end = async () => {
    if (await act.run(() => client.send('DELETE', '/api/v1/session/one-time'))) close();
  };
  const confirm = async (event: Event) => {
    event.preventDefault();
    if (!(await act.run(() => client.send('PUT', '/api/v1/session/one-time', { code: code.replaceAll(/\s/g, '') })))) return;
    announce(t('saved'));
    close();
  };
  return (
    <Dialog title={t('me.one-time')} closeLabel={t('close')} onClose={close}>
      <Problem of={act} />
      {key ? (
        <form class="form" onSubmit={(event) => void confirm(event)}>
          <QrCode text={key.url} label={t('one-time.qr')} caption={t('one-time.scan')} />
          <TextField label={t('one-time.key')} value={key.key} mono readOnly onInput={() => undefined} />
          <TextField label={t('account.one-time')} value={code} inputMode="numeric" autocomplete="one-time-code" error={act.fields.value['code']} onInput={setCode} />
          <Button kind="primary" type="submit" disabled={act.busy.value}>
            {t('one-time.use')}
          </Button>
        </form>
      ) : (
        <>
          <p>{t('one-time.text')}</p>
          <div class="buttons">
            <Button kind="primary" disabled={act.busy.value} onClick={() => void begin()}>
              {t('one-time.begin')}
            </Button>
            <Button disabled={act.busy.value} onClick={() => void end()}>
              {t('one-time.end')}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function CodesDialog({ close }: { readonly close: () => void }) {
  const { client, session } = useBox();
  const act = useAction();
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const make = () => act.run(async () => setCodes((await client.send<RecoveryCodes>('POST', '/api/v1/session/recovery')).data.codes));
  return (
    <Dialog title={t('me.codes')} closeLabel={t('close')} onClose={close}>
      <Problem of={act} />
      {codes ? (
        <>
          <Notice mood="warn">
            <p>{t('codes.once')}</p>
          </Notice>
          <Codes codes={codes} name={session.value?.account ?? ''} />
        </>
      ) : (
        <>
          <p>{t('codes.new')}</p>
          <div class="buttons">
            <Button kind="primary" disabled={act.busy.value} onClick={() => void make()}>
              {t('codes.make')}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
