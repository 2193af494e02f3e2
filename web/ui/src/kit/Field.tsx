import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';
import './field.css';

interface TextFieldProps {
  readonly label: string;
  readonly type?: 'text' | 'password' | 'number' | 'search' | 'datetime-local';
  readonly inputMode?: 'numeric' | 'decimal' | 'url' | undefined;
  readonly readOnly?: boolean;
  readonly disabled?: boolean;
  /** Code, addresses, keys: every character of the same width. */
  readonly mono?: boolean;
  readonly hideLabel?: boolean;
  readonly value: string;
  readonly placeholder?: string;
  readonly maxLength?: number;
  readonly autocomplete?: string;
  readonly autofocus?: boolean;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly enterKeyHint?: 'go' | 'done' | 'send' | undefined;
  readonly onInput: (value: string) => void;
}

export function TextField(props: TextFieldProps) {
  const id = useId();
  const error = useFresh(props.error, props.value);
  const note = error ?? props.hint;
  return (
    <div class="field">
      <label for={id} class={props.hideLabel ? 'sr-only' : 'field-label'}>
        {props.label}
      </label>
      <input
        id={id}
        class={props.mono ? 'field-input field-mono' : 'field-input'}
        dir={props.mono ? 'ltr' : props.value === '' ? undefined : 'auto'}
        type={(props.type ?? 'text') as 'text'}
        value={props.value}
        inputMode={props.inputMode}
        readOnly={props.readOnly ?? false}
        disabled={props.disabled ?? false}
        placeholder={props.placeholder}
        maxLength={props.maxLength}
        autocomplete={(props.autocomplete ?? 'off') as 'off'}
        autocapitalize="off"
        spellcheck={false}
        enterkeyhint={props.enterKeyHint}
        aria-invalid={error ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        ref={props.autofocus ? focusOnce : null}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {note ? (
        <p id={`${id}-note`} class={error ? 'field-error' : 'field-hint'} role={error ? 'alert' : undefined}>
          {note}
        </p>
      ) : null}
    </div>
  );
}

/** The error while the value is the one that it is about. */
function useFresh(error: string | undefined, value: string): string | undefined {
  const about = useRef<string | null>(null);
  if (error === undefined) about.current = null;
  else about.current ??= value;
  return about.current === value ? error : undefined;
}

function focusOnce(element: HTMLElement | null): void {
  element?.focus();
}

interface SwitchFieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly on: boolean;
  readonly disabled?: boolean;
  readonly onChange: (on: boolean) => void;
}

export function SwitchField({ label, hint, on, disabled, onChange }: SwitchFieldProps) {
  return (
    <label class="switch">
      <span>
        {label}
        {hint ? <span class="switch-hint">{hint}</span> : null}
      </span>
      <input type="checkbox" class="switch-input" checked={on} disabled={disabled ?? false} onChange={(event) => onChange(event.currentTarget.checked)} />
    </label>
  );
}

interface SelectFieldProps {
  readonly label: string;
  readonly icon?: ComponentChildren;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly disabled?: boolean;
  readonly onChange: (value: string) => void;
}

export function SelectField({ label, icon, value, options, disabled, onChange }: SelectFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class="field-label">
        {icon}
        {label}
      </label>
      <span class="field-select-box">
        <select
          id={id}
          class="field-input field-select"
          value={value}
          disabled={disabled ?? false}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="up" size={18} />
      </span>
    </div>
  );
}
