import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { announce } from '../../../kit/Live.tsx';
import type { DirectorySecrets, DirectoryState } from '../../api.ts';
import { t } from '../../words.ts';
import { Loaded, Problem, useAction, useBox, useResource } from '../use.tsx';

/** What the box proves itself with: it can be replaced here, never read. */
export function Secrets() {
  const { client } = useBox();
  const state = useResource<DirectoryState>('/api/v1/directory');
  const act = useAction();
  const [ldap, setLdap] = useState('');
  const [oidc, setOidc] = useState('');
  const keep = async (event: Event) => {
    event.preventDefault();
    const secrets: DirectorySecrets = { ...(ldap === '' ? {} : { ldap_password: ldap }), ...(oidc === '' ? {} : { oidc_secret: oidc }) };
    if (!(await act.run(() => client.send('PUT', '/api/v1/directory/secrets', secrets)))) return;
    announce(t('saved'));
    setLdap('');
    setOidc('');
    await state.reload();
  };
  return (
    <Card title={t('directory.secrets')}>
      <Loaded of={state}>
        {(now) => (
          <>
            <form class="form" onSubmit={(event) => void keep(event)}>
              <Problem of={act} />
              <div class="form-row">
                <TextField label={t('directory.ldap-password')} type="password" value={ldap} autocomplete="off" hint={t(now.ldap_password ? 'directory.kept' : 'directory.not-kept')} error={act.fields.value['ldap_password']} onInput={setLdap} />
                <TextField label={t('directory.oidc-secret')} type="password" value={oidc} autocomplete="off" hint={t(now.oidc_secret ? 'directory.kept' : 'directory.not-kept')} error={act.fields.value['oidc_secret']} onInput={setOidc} />
              </div>
              <div class="buttons">
                <Button type="submit" disabled={act.busy.value || (ldap === '' && oidc === '')}>
                  {t('directory.keep')}
                </Button>
              </div>
            </form>
            <Facts facts={[[t('directory.redirects'), <span class="mono" key="to">{now.redirects.join(' ')}</span>]]} />
          </>
        )}
      </Loaded>
    </Card>
  );
}
