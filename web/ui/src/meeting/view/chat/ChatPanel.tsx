import type { Signal } from '@preact/signals';
import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Icon } from '../../../kit/icons.tsx';
import type { ChatMessage, Meeting } from '../../model/types.ts';
import { Panel } from '../room/Panel.tsx';
import { Composer } from './Composer.tsx';
import { Line } from './Line.tsx';
import './chat.css';

// Lines of one person within this time stand under one name.
const together = 3 * 60_000;

interface ChatPanelProps {
  readonly meeting: Meeting;
  /** Whom one writes to; null is everybody. */
  readonly to: Signal<string | null>;
  readonly close: () => void;
}

export function ChatPanel({ meeting, to, close }: ChatPanelProps) {
  const list = useRef<HTMLDivElement>(null);
  const replyTo = useSignal<ChatMessage | null>(null);
  const first = useRef(true);
  useSignalEffect(() => {
    void meeting.chat.value;
    const opening = first.current;
    first.current = false;
    // After the new line is there; who has scrolled up to read is left alone.
    requestAnimationFrame(() => {
      const box = list.current;
      if (box && (opening || box.scrollHeight - box.scrollTop - box.clientHeight < 240)) box.scrollTop = box.scrollHeight;
    });
  });
  const lines = meeting.chat.value;
  const byId = new Map(lines.map((m) => [m.id, m]));
  const reply = (m: ChatMessage, privately: boolean) => {
    replyTo.value = m;
    // An answer to a private message is private.
    to.value = m.private?.id ?? (privately ? m.from : null);
  };
  return (
    <Panel title={t('chat.title')} close={close}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- else nobody scrolls it by keyboard */}
      <div class="chat-list" ref={list} role="log" aria-label={t('chat.title')} tabIndex={0}>
        {lines.length === 0 ? (
          <div class="chat-empty">
            <Icon name="chat" size={30} />
            <p>{t('chat.empty')}</p>
          </div>
        ) : null}
        {lines.map((line, i) => (
          <Line key={line.id} meeting={meeting} line={line} quoted={byId.get(line.replyTo)} first={startsGroup(line, lines[i - 1])} reply={reply} />
        ))}
      </div>
      <Composer
        meeting={meeting}
        to={to}
        replyTo={replyTo}
        send={(text) => {
          meeting.sendChat(text, to.peek() ?? undefined, replyTo.peek()?.id);
          replyTo.value = null;
        }}
      />
    </Panel>
  );
}

function startsGroup(line: ChatMessage, before: ChatMessage | undefined): boolean {
  return before === undefined || before.from !== line.from || line.time - before.time > together || before.private?.id !== line.private?.id;
}
