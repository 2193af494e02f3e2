import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from '../../kit/Button.tsx';
import { Dialog } from '../../kit/Dialog.tsx';
import { TextField } from '../../kit/Field.tsx';
import { t } from '../words.ts';
import { PeopleNow } from './PeopleNow.tsx';
import { Problem, useAction } from './use.tsx';

interface ConfirmProps {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly label: string;
  /** What has to be typed first, for what cannot be undone. */
  readonly type?: string;
  /** Says how many people are in meetings now. */
  readonly people?: boolean;
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
  /** After it was done; closes, unless given. */
  readonly onDone?: () => void;
}

/** Asks before something is done that people notice. */
export function Confirm({ title, text, label, type, people, act, onClose, onDone }: ConfirmProps) {
  const doing = useAction();
  const [typed, setTyped] = useState('');
  const go = async (event: Event) => {
    event.preventDefault();
    if (await doing.run(act)) (onDone ?? onClose)();
  };
  return (
    <Dialog title={title} closeLabel={t('close')} onClose={onClose}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <div>{text}</div>
        {people ? <PeopleNow /> : null}
        <Problem of={doing} />
        {type === undefined ? null : <TextField label={t('confirm.type', { name: type })} value={typed} onInput={setTyped} />}
        <div class="dialog-actions">
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="danger" type="submit" disabled={doing.busy.value || (type !== undefined && typed.trim() !== type)}>
            {label}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
