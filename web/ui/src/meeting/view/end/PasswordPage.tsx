import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import type { Meeting } from '../../model/types.ts';
import { Message } from './Message.tsx';

/** In front of a room with a password. */
export function PasswordPage({ meeting, wrong }: { readonly meeting: Meeting; readonly wrong: boolean }) {
  const [password, setPassword] = useState('');
  const [refused, setRefused] = useState(wrong);
  const enter = (event: Event) => {
    event.preventDefault();
    if (password !== '') meeting.enterPassword(password);
  };
  return (
    <Message icon="lock" title={t('waiting.password.title')} text={<p>{t('waiting.password.text')}</p>}>
      <form class="message-form" onSubmit={enter}>
        <TextField
          label={t('password.label')}
          type="password"
          value={password}
          autocomplete="off"
          enterKeyHint="go"
          autofocus
          error={refused ? t('password.wrong') : undefined}
          onInput={(value) => {
            setPassword(value);
            setRefused(false);
          }}
        />
        <Button kind="primary" large wide type="submit">
          {t('prejoin.join')}
        </Button>
      </form>
    </Message>
  );
}
