import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice, Tag } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import type { Directory, DirectoryFound } from '../../api.ts';
import { known, t } from '../../words.ts';
import { Problem, useAction, useBox } from '../use.tsx';

/** Goes the way of a sign-in with what the form has, and says where it ends. */
export function TryIt({ draft }: { readonly draft: Directory }) {
  const { client } = useBox();
  const act = useAction();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [found, setFound] = useState<DirectoryFound | null>(null);
  const go = (oidc: boolean) =>
    act.run(async () => {
      setFound(null);
      setFound((await client.send<DirectoryFound>('POST', '/api/v1/directory/test', { directory: draft, oidc, name: name.trim(), password })).data);
    });
  return (
    <Card title={t('directory.test')} text={t('directory.test-text')}>
      <div class="form">
        <div class="form-row">
          <TextField label={t('directory.test-name')} value={name} hint={t('directory.test-hint')} onInput={setName} />
          <TextField label={t('directory.test-password')} type="password" value={password} autocomplete="off" onInput={setPassword} />
        </div>
        <div class="buttons">
          <Button disabled={act.busy.value || !draft.ldap?.url} onClick={() => void go(false)}>
            {t('directory.try', { name: 'LDAP' })}
          </Button>
          <Button disabled={act.busy.value || !draft.oidc?.issuer} onClick={() => void go(true)}>
            {t('directory.try', { name: 'OpenID Connect' })}
          </Button>
        </div>
      </div>
      <Problem of={act} />
      {Object.entries(act.fields.value).map(([field, text]) => (
        <Notice key={field} mood="bad">
          <p>{text}</p>
        </Notice>
      ))}
      {found ? <Found found={found} name={name.trim()} /> : null}
    </Card>
  );
}

function Found({ found, name }: { readonly found: DirectoryFound; readonly name: string }) {
  const check = found.checks.find((c) => c.name === found.broken);
  return (
    <>
      <Notice mood={check ? 'bad' : 'good'} live title={check ? t('diagnostics.broken', { name: known('check', check.name) }) : undefined}>
        <p>{check ? check.text : name === '' || (found.role === 'nobody' && !found.host) ? t('diagnostics.fine') : null}</p>
        {check || found.role === 'nobody' ? null : <p>{t('directory.would', { name, role: t(`role.${found.role}`) })}</p>}
        {check || !found.host ? null : <p>{t('directory.would-host', { name })}</p>}
        {check?.advice ? <p>{check.advice}</p> : null}
      </Notice>
      <ol class="chain">
        {found.checks.map((c) => (
          <li key={c.name}>
            <Tag mood={c.state === 'ok' ? 'good' : 'bad'}>{t(`check.state.${c.state}`)}</Tag>
            <div>
              <p class="chain-name">{known('check', c.name)}</p>
              <p class="soft">{c.text}</p>
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}
