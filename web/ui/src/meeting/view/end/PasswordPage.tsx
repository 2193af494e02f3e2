import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import type { Meeting, Phase } from '../../model/types.ts';
import { inTime } from './inTime.ts';
import { Message } from './Message.tsx';

interface PasswordPageProps {
  readonly meeting: Meeting;
  readonly wrong: boolean;
  readonly slow: Extract<Phase, { at: 'waiting' }>['slow'];
}

/** In front of a room with a password. */
export function PasswordPage({ meeting, wrong, slow }: PasswordPageProps) {
  const [password, setPassword] = useState(slow?.typed ?? '');
  const [refused, setRefused] = useState(slow ? t('password.slow', { when: inTime(slow.seconds) }) : wrong ? t('password.wrong') : undefined);
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
