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
  /** How a part is meant that was written otherwise. */
  readonly each?: (part: string) => string;
  readonly onChange: (value: string[]) => void;
}

const asWritten = (part: string) => part;

/** A few names or addresses in one line. */
export function ListField({ label, value = [], hint, field, errors, each = asWritten, onChange }: ListFieldProps) {
  const parse = (written: string) => written.split(/[\s,;]+/).filter(Boolean).map(each);
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
