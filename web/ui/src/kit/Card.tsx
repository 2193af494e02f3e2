import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import './card.css';

interface CardProps {
  readonly title: string;
  readonly text?: ComponentChildren;
  /** Beside the title. */
  readonly aside?: ComponentChildren;
  readonly danger?: boolean;
  readonly children?: ComponentChildren;
}

/** One subject of a page. */
export function Card({ title, text, aside, danger, children }: CardProps) {
  const id = useId();
  return (
    <section class={danger ? 'card card-danger' : 'card'} aria-labelledby={id}>
      <div class="card-head">
        <div class="card-title">
          <h2 id={id}>{title}</h2>
          {text ? <p class="card-text">{text}</p> : null}
        </div>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Names and values below each other. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ComponentChildren] | null)[] }) {
  return (
    <dl class="facts">
      {facts.map((fact) =>
        fact ? (
          <div key={fact[0]}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

export type Mood = 'good' | 'warn' | 'bad' | 'calm';

/** A word with a colour; the word alone says it all. */
export function Tag({ mood = 'calm', children }: { readonly mood?: Mood; readonly children: ComponentChildren }) {
  return <span class={`tag tag-${mood}`}>{children}</span>;
}

interface NoticeProps {
  readonly mood?: Mood;
  readonly title?: string | undefined;
  /** Read aloud when it appears. */
  readonly live?: boolean;
  readonly action?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** Something to know about what stands below it. */
export function Notice({ mood = 'calm', title, live, action, children }: NoticeProps) {
  return (
    <div class={`note note-${mood}`} role={live ? (mood === 'bad' ? 'alert' : 'status') : undefined}>
      <div class="note-text">
        {title ? <p class="note-title">{title}</p> : null}
        {children}
      </div>
      {action ? <div class="note-action">{action}</div> : null}
    </div>
  );
}

/** How far something is: value from 0 to 1. */
export function Progress({ label, value }: { readonly label: string; readonly value: number }) {
  return (
    <div class="progress">
      <div class="progress-label" aria-hidden="true">
        <span>{label}</span>
        <span>{Math.round(value * 100)} %</span>
      </div>
      <progress aria-label={label} max={1} value={value} />
    </div>
  );
}
