import { useState } from 'preact/hooks';
import { TextField } from '../../kit/Field.tsx';
import type { FieldErrors } from '../model/client.ts';

interface ListFieldProps {
  readonly label: string;
  readonly value: readonly string[] | undefined;
  readonly hint?: string;
  /** The field's path, for what the box said about it or one of its parts. */
  readonly field: string;
  readonly errors: FieldErrors;
  readonly onChange: (value: string[]) => void;
}

const parse = (text: string) => text.split(/[\s,;]+/).filter(Boolean);

/** A few names or addresses in one line. */
export function ListField({ label, value = [], hint, field, errors, onChange }: ListFieldProps) {
  const [text, setText] = useState(value.join(', '));
  const same = parse(text).join() === value.join();
  const wrong = Object.entries(errors).find(([path]) => path === field || path.startsWith(`${field}.`));
  return (
    <TextField
      label={label}
      value={same ? text : value.join(', ')}
      mono
      hint={hint}
      error={wrong?.[1]}
      onInput={(input) => {
        setText(input);
        onChange(parse(input));
      }}
    />
  );
}
