import type { ComponentChildren, Ref } from 'preact';
import './button.css';

type Kind = 'primary' | 'secondary' | 'quiet' | 'danger';

interface ButtonProps {
  readonly kind?: Kind;
  readonly large?: boolean;
  readonly wide?: boolean;
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  readonly autofocus?: boolean;
  /** For a pointer only: something else does the same for the keyboard. */
  readonly skip?: boolean;
  readonly onClick?: () => void;
  readonly children: ComponentChildren;
}

export function Button({ kind = 'secondary', large, wide, type = 'button', disabled, autofocus, skip, onClick, children }: ButtonProps) {
  const name = ['button', `button-${kind}`, large ? 'button-large' : '', wide ? 'button-wide' : ''];
  return (
    <button
      type={type === 'submit' ? 'submit' : 'button'}
      class={name.filter(Boolean).join(' ')}
      disabled={disabled ?? false}
      tabIndex={skip ? -1 : undefined}
      ref={autofocus ? focusOnce : null}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

function focusOnce(element: HTMLElement | null): void {
  element?.focus();
}

interface IconButtonProps {
  /** What a screen reader says; also the tooltip unless `hint` says more. */
  readonly label: string;
  readonly hint?: string | undefined;
  readonly shortcut?: string | undefined;
  /** For a switch: whether it is on. */
  readonly pressed?: boolean | undefined;
  /** For a button that opens something: whether that is open. */
  readonly expanded?: boolean | undefined;
  readonly popup?: 'menu' | 'dialog' | undefined;
  readonly look?: 'normal' | 'plain' | 'active' | 'off' | 'danger';
  readonly small?: boolean;
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly badge?: string | undefined;
  readonly quietBadge?: boolean;
  readonly buttonRef?: Ref<HTMLButtonElement>;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

export function IconButton(props: IconButtonProps) {
  const { look = 'normal' } = props;
  const name = ['icon-button', look === 'normal' ? '' : `icon-button-${look}`, props.small ? 'icon-button-small' : '', props.busy ? 'icon-button-busy' : ''];
  return (
    <button
      type="button"
      class={name.filter(Boolean).join(' ')}
      aria-label={props.label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-haspopup={props.popup}
      aria-keyshortcuts={props.shortcut}
      aria-busy={props.busy ? true : undefined}
      title={props.shortcut ? `${props.hint ?? props.label} (${props.shortcut})` : (props.hint ?? props.label)}
      disabled={props.disabled ?? false}
      ref={props.buttonRef ?? null}
      onClick={props.onClick}
    >
      {props.children}
      {props.badge ? (
        <span class={props.quietBadge ? 'badge badge-quiet' : 'badge'} aria-hidden="true">
          {props.badge}
        </span>
      ) : null}
    </button>
  );
}
