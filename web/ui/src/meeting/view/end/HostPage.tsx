import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { Button } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import type { Meeting } from '../../model/types.ts';
import { inTime } from './inTime.ts';
import { Message } from './Message.tsx';

/** Before a meeting that its host has to open: one waits, or logs in as the host. */
export function HostPage({ meeting }: { readonly meeting: Meeting }) {
  const [hosting, setHosting] = useState(false);
  return (
    <Message icon="clock" title={t('waiting.host.title')} text={<p>{t('waiting.host.text')}</p>}>
      {hosting ? (
        <LogIn meeting={meeting} />
      ) : (
        <Button kind="primary" large onClick={() => setHosting(true)}>
          {tt('host.me')}
        </Button>
      )}
      <Button large onClick={() => meeting.leave()}>
        {t('waiting.leave')}
      </Button>
    </Message>
  );
}

function LogIn({ meeting }: { readonly meeting: Meeting }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (name.trim() === '' || password === '' || busy) return;
    setBusy(true);
    setProblem('');
    const found = await meeting.logIn(name.trim(), password);
    setBusy(false);
    if (found.is === 'slow') setProblem(tt('host.slow', { when: inTime(found.seconds) }));
    else if (found.is !== 'account' && found.is !== 'person') setProblem(tt(`host.${found.is}`));
  };
  return (
    <form class="message-form" onSubmit={(event) => void submit(event)}>
      <TextField label={tt('host.name')} value={name} autocomplete="username" autofocus onInput={setName} />
      <TextField
        label={t('password.label')}
        type="password"
        value={password}
        autocomplete="current-password"
        enterKeyHint="go"
        error={problem === '' ? undefined : problem}
        onInput={(value) => {
          setPassword(value);
          setProblem('');
        }}
      />
      <Button kind="primary" large wide type="submit" disabled={busy}>
        {tt('host.log-in')}
      </Button>
    </form>
  );
}
