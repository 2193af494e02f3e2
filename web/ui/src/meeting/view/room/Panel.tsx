import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';

interface PanelProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** The column beside the pictures; a page of its own on a phone. Escape closes it. */
export function Panel({ title, close, children }: PanelProps) {
  const id = useId();
  const head = useRef<HTMLHeadingElement>(null);
  const opener = useRef<Element | null>(document.activeElement);
  useEffect(() => {
    if (head.current && !head.current.closest('aside')?.contains(document.activeElement)) head.current.focus();
  }, []);
  // At once, not after the next paint: a key pressed meanwhile would go nowhere.
  useLayoutEffect(() => {
    const { current: before } = opener;
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape closes it from anywhere inside
    <aside
      class="panel"
      aria-labelledby={id}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) close();
      }}
    >
      <div class="panel-head">
        <h2 id={id} tabIndex={-1} ref={head}>
          {title}
        </h2>
        <IconButton label={t('panel.close')} look="plain" small onClick={close}>
          <Icon name="close" size={20} />
        </IconButton>
      </div>
      {children}
    </aside>
  );
}
