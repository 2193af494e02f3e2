import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from '../../../kit/icons.tsx';
import { Logo } from '../../../kit/Logo.tsx';
import './message.css';

interface MessageProps {
  readonly icon: IconName;
  readonly look?: 'calm' | 'warn';
  readonly title: string;
  readonly text: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** A page that says one thing and offers what to do next. */
export function Message({ icon, look = 'calm', title, text, children }: MessageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Unless the page has a field that took it.
    if (!heading.current?.closest('main')?.contains(document.activeElement)) heading.current?.focus();
  }, []);
  return (
    <div class="message">
      <header class="message-head">
        <Logo />
      </header>
      <main class="message-main">
        <span class={`message-icon message-icon-${look}`}>
          <Icon name={icon} size={30} />
        </span>
        <h1 tabIndex={-1} ref={heading}>
          {title}
        </h1>
        <div class="message-text">{text}</div>
        {children ? <div class="message-actions">{children}</div> : null}
      </main>
    </div>
  );
}
