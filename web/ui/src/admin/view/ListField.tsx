import { useState } from 'preact/hooks';
import { TextField } from '../../kit/Field.tsx';
import { TextArea } from '../../kit/Fields.tsx';
import type { FieldErrors } from '../model/client.ts';

interface ListFieldProps {
  readonly label: string;
  readonly value: readonly string[] | undefined;
  readonly hint?: string;
  /** The field's path, for what the box said about it or one of its parts. */
  readonly field: string;
  readonly errors: FieldErrors;
  /** One in each line: they may have blanks and commas within. */
  readonly lines?: boolean;
  /** How a part is meant that was written otherwise. */
  readonly each?: (part: string) => string;
  readonly onChange: (value: string[]) => void;
}

const asWritten = (part: string) => part;

/** A few names or addresses. */
export function ListField({ label, value = [], hint, field, errors, lines = false, each = asWritten, onChange }: ListFieldProps) {
  const parse = (written: string) => (lines ? written.split('\n').map((line) => line.trim()) : written.split(/[\s,;]+/)).filter(Boolean).map(each);
  const print = () => value.join(lines ? '\n' : ', ');
  const [text, setText] = useState(print);
  const same = parse(text).join('\n') === value.join('\n');
  const wrong = Object.entries(errors).find(([path]) => path === field || path.startsWith(`${field}.`));
  const props = {
    label,
    value: same ? text : print(),
    hint,
    error: wrong?.[1],
    onInput: (input: string) => {
      setText(input);
      onChange(parse(input));
    },
  };
  return lines ? <TextArea {...props} rows={3} /> : <TextField {...props} mono />;
}
