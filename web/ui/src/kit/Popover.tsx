import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icons.tsx';
import './popover.css';

interface PopoverProps {
  readonly label: string;
  readonly role: 'menu' | 'dialog';
  readonly side?: 'above' | 'below';
  readonly align?: 'start' | 'center' | 'end';
  /** On a phone it comes up from the bottom edge, over the whole width. */
  readonly sheet?: boolean;
  readonly trigger: (open: boolean, toggle: () => void) => ComponentChildren;
  readonly children: (close: () => void) => ComponentChildren;
}

/**
 * A panel beside its button. Opening moves the focus in, Escape and leaving close it and give the
 * focus back; in a menu the arrow keys walk (ARIA Authoring Practices, menu button).
 */
export function Popover({ label, role, side = 'above', align = 'center', sheet, trigger, children }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLSpanElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  const close = () => {
    setOpen(false);
    anchor.current?.querySelector('button')?.focus();
  };

  useEffect(() => {
    if (!open) return undefined;
    focusable(panel.current)[0]?.focus();
    const outside = (event: Event) => {
      if (event.target instanceof Node && !anchor.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (role !== 'menu' || step === undefined) return;
    event.preventDefault();
    const items = focusable(panel.current);
    const now = items.indexOf(document.activeElement as HTMLElement);
    items.at((now + step) % items.length)?.focus();
  };

  return (
    <span class="popover-anchor" role="presentation" ref={anchor} onKeyDown={onKeyDown}>
      {trigger(open, () => setOpen(!open))}
      {open ? (
        <div class={`popover popover-${side} popover-${align}${sheet ? ' popover-sheet' : ''}`} role={role} aria-label={label} ref={panel}>
          {children(close)}
        </div>
      ) : null}
    </span>
  );
}

function focusable(within: HTMLElement | null): HTMLElement[] {
  return [...(within?.querySelectorAll<HTMLElement>('button:not([disabled]), select:not([disabled]), input, a[href]') ?? [])];
}

interface MenuItemProps {
  readonly icon: IconName;
  readonly danger?: boolean;
  /** What is new there, said in words. */
  readonly news?: { readonly n: number; readonly label: string } | undefined;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

export function MenuItem({ icon, danger, news, onClick, children }: MenuItemProps) {
  return (
    <button type="button" role="menuitem" class={danger ? 'menu-item menu-item-danger' : 'menu-item'} onClick={onClick}>
      <Icon name={icon} size={20} />
      {children}
      {news && news.n > 0 ? (
        <span class="menu-news">
          <span aria-hidden="true">{news.n}</span>
          <span class="sr-only">{news.label}</span>
        </span>
      ) : null}
    </button>
  );
}

/** Items that belong together, with a line between them and the others. */
export function MenuGroup({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a menu has no fieldsets
    <div class="menu-group" role="group" aria-label={label}>
      {children}
    </div>
  );
}
