// Fields that only the console has.

import { useId, useRef } from 'preact/hooks';
import { Button } from './Button.tsx';
import { Tool } from './tools.tsx';
import './field.css';
import './fields.css';

interface TextAreaProps {
  readonly label: string;
  readonly value: string;
  readonly rows?: number;
  readonly placeholder?: string;
  readonly readOnly?: boolean;
  /** Words for people; otherwise it is a machine's text, in its letters. */
  readonly prose?: boolean;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly onInput?: (value: string) => void;
}

export function TextArea({ label, value, rows = 4, placeholder, readOnly, prose, hint, error, onInput }: TextAreaProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class="field">
      <label for={id} class="field-label">
        {label}
      </label>
      <textarea
        id={id}
        dir={prose ? 'auto' : 'ltr'}
        class={prose ? 'field-input field-area' : 'field-input field-mono field-area'}
        rows={rows}
        value={value}
        placeholder={placeholder}
        readOnly={readOnly ?? false}
        spellcheck={prose ?? false}
        autocapitalize={prose ? 'sentences' : 'off'}
        aria-invalid={error ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        onInput={(event) => onInput?.(event.currentTarget.value)}
      />
      {note ? (
        <p id={`${id}-note`} class={error ? 'field-error' : 'field-hint'} role={error ? 'alert' : undefined}>
          {note}
        </p>
      ) : null}
    </div>
  );
}

interface FileFieldProps {
  readonly label: string;
  readonly choose: string;
  readonly none: string;
  readonly accept?: string;
  readonly file: File | null;
  readonly disabled?: boolean;
  readonly error?: string | undefined;
  readonly onFile: (file: File | null) => void;
}

/** One file: chosen, or dropped on the field. */
export function FileField({ label, choose, none, accept, file, disabled, error, onFile }: FileFieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div
      class="field"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        if (!disabled) onFile(event.dataTransfer?.files[0] ?? null);
      }}
    >
      <label for={id} class="field-label">
        {label}
      </label>
      <div class="field-file">
        <input
          id={id}
          ref={input}
          type="file"
          class="sr-only"
          accept={accept}
          disabled={disabled ?? false}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error ${id}-note` : `${id}-note`}
          onChange={(event) => onFile(event.currentTarget.files?.[0] ?? null)}
        />
        <span aria-hidden="true">
          <Button disabled={disabled ?? false} skip onClick={() => input.current?.click()}>
            <Tool name="upload" size={18} />
            {choose}
          </Button>
        </span>
        <span id={`${id}-note`} class="field-file-name">
          {file?.name ?? none}
        </span>
      </div>
      {error ? (
        <p id={`${id}-error`} class="field-error" role="alert">
          {error}
        </p>
      ) : null}
    </div>
  );
}

interface ChoiceFieldProps<V extends string> {
  readonly label: string;
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly label: string; readonly hint?: string }[];
  readonly disabled?: boolean;
  readonly onChange: (value: V) => void;
}

/** One of a few, all in sight. */
export function ChoiceField<V extends string>({ label, value, options, disabled, onChange }: ChoiceFieldProps<V>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="field-label">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class="choice-option">
          <input type="radio" name={name} value={option.value} checked={option.value === value} disabled={disabled ?? false} onChange={() => onChange(option.value)} />
          <span>
            {option.label}
            {option.hint ? <span class="switch-hint">{option.hint}</span> : null}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
