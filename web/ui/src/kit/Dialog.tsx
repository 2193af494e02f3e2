import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { IconButton } from './Button.tsx';
import { Icon } from './icons.tsx';
import './popover.css';

interface DialogProps {
  readonly title: string;
  readonly closeLabel: string;
  readonly onClose: () => void;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A modal dialog while it is rendered. The browser keeps the focus inside; whoever had it gets it back. */
export function Dialog({ title, closeLabel, onClose, actions, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  // At once, not after the next paint: a key pressed meanwhile would go nowhere.
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      // The browser does so for a dialog that is closed, not for one that is taken out of the page.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      class="dialog"
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton label={closeLabel} look="plain" small onClick={onClose}>
          <Icon name="close" size={20} />
        </IconButton>
      </div>
      <div class="dialog-body">{children}</div>
      {actions ? <div class="dialog-actions">{actions}</div> : null}
    </dialog>
  );
}
