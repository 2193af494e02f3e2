import { useState } from 'preact/hooks';
import { SwitchField, TextField } from '../../kit/Field.tsx';
import { strength } from '../model/password.ts';
import { t } from '../words.ts';

interface NewPasswordProps {
  readonly label: string;
  readonly value: string;
  readonly error?: string | undefined;
  readonly onInput: (value: string) => void;
}

/** A password to be: how good it is, by its length, and a way to see it. */
export function NewPassword({ label, value, error, onInput }: NewPasswordProps) {
  const [shown, setShown] = useState(false);
  const level = strength(value);
  return (
    <div class="password">
      <TextField
        label={label}
        type={shown ? 'text' : 'password'}
        autocomplete="new-password"
        value={value}
        maxLength={200}
        error={error}
        hint={value === '' ? t('password.hint') : t(`password.level.${level}`)}
        onInput={onInput}
      />
      <span class={`password-meter password-${value === '' ? 'none' : level}`} aria-hidden="true" />
      <SwitchField label={t('password.show')} on={shown} onChange={setShown} />
    </div>
  );
}
