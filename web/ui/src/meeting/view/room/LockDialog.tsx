import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { SwitchField, TextField } from '../../../kit/Field.tsx';
import type { Meeting } from '../../model/types.ts';

interface LockDialogProps {
  readonly meeting: Meeting;
  readonly close: () => void;
}

/** Where a moderator says who comes in: whoever is let in, whoever knows the password, everybody. */
export function LockDialog({ meeting, close }: LockDialogProps) {
  const [password, setPassword] = useState('');
  const [failed, setFailed] = useState(false);
  // What was asked for, until the room has it: the switch must not jump back meanwhile.
  const [asked, setAsked] = useState<boolean>();
  const locked = meeting.locked.value;
  const set = async (wanted: string) => {
    try {
      await meeting.setPassword(wanted);
      close();
    } catch {
      setFailed(true);
    }
  };
  const lobby = async (on: boolean) => {
    setAsked(on);
    try {
      await meeting.setLobby(on);
    } catch {
      setFailed(true);
    }
    setAsked(undefined);
  };
  return (
    <Dialog
      title={t('lock.title')}
      closeLabel={t('dialog.close')}
      onClose={close}
      actions={
        <>
          {locked ? (
            <Button kind="quiet" onClick={() => void set('')}>
              {t('lock.remove')}
            </Button>
          ) : null}
          <Button kind="primary" disabled={password === ''} onClick={() => void set(password)}>
            {locked ? t('lock.change') : t('lock.set')}
          </Button>
        </>
      }
    >
      <SwitchField label={t('lock.lobby')} hint={t('lock.lobby-hint')} on={asked ?? meeting.lobby.value} onChange={(on) => void lobby(on)} />
      <p>{locked ? t('lock.locked') : t('lock.text')}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (password !== '') void set(password);
        }}
      >
        <TextField
          label={t('password.label')}
          value={password}
          maxLength={80}
          enterKeyHint="done"
          error={failed ? t('notice.refused') : undefined}
          onInput={(value) => {
            setPassword(value);
            setFailed(false);
          }}
        />
      </form>
    </Dialog>
  );
}
