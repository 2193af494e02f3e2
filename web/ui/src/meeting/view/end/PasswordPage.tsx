import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import type { Meeting } from '../../model/types.ts';
import { inTime } from './inTime.ts';
import { Message } from './Message.tsx';

interface PasswordPageProps {
  readonly meeting: Meeting;
  readonly wrong: boolean;
  /** Seconds for which no password is looked at. */
  readonly slow: number | undefined;
}

/** In front of a room with a password. */
export function PasswordPage({ meeting, wrong, slow }: PasswordPageProps) {
  const [password, setPassword] = useState('');
  const [refused, setRefused] = useState(slow !== undefined ? t('password.slow', { when: inTime(slow) }) : wrong ? t('password.wrong') : undefined);
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
          error={refused}
          onInput={(value) => {
            setPassword(value);
            setRefused(undefined);
          }}
        />
        <Button kind="primary" large wide type="submit">
          {t('prejoin.join')}
        </Button>
      </form>
    </Message>
  );
}
