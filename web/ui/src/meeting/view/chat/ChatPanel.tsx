import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useSignalEffect } from '@preact/signals';
import { clock, t } from '../../../i18n/i18n.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { Avatar } from '../../../kit/Person.tsx';
import type { ChatMessage, Meeting } from '../../model/types.ts';
import { Panel } from '../room/Panel.tsx';
import { pieces } from './links.ts';
import './chat.css';

// Lines of one person within this time stand under one name.
const together = 3 * 60_000;

export function ChatPanel({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  const list = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    void meeting.chat.value;
    // After the new line is there; who has scrolled up to read is left alone.
    requestAnimationFrame(() => {
      const box = list.current;
      if (box && box.scrollHeight - box.scrollTop - box.clientHeight < 240) box.scrollTop = box.scrollHeight;
    });
  });
  const lines = meeting.chat.value;
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
          <Line key={line.id} line={line} first={startsGroup(line, lines[i - 1])} />
        ))}
      </div>
      <Composer send={(text) => meeting.sendChat(text)} />
    </Panel>
  );
}

function startsGroup(line: ChatMessage, before: ChatMessage | undefined): boolean {
  return before === undefined || before.from !== line.from || line.time - before.time > together || before.private !== line.private;
}

function Line({ line, first }: { readonly line: ChatMessage; readonly first: boolean }) {
  const name = line.own ? t('person.you') : line.name || t('person.guest');
  return (
    <div class={`line${line.own ? ' line-own' : ''}${first ? ' line-first' : ''}`}>
      {first ? (
        <p class="line-head">
          {line.own ? null : <Avatar name={name} size="1.5rem" />}
          <span class="line-name">{name}</span>
          <time dateTime={new Date(line.time).toISOString()}>{clock(line.time)}</time>
        </p>
      ) : null}
      <p class={`line-text line-${line.delivery}`} dir="auto">
        {pieces(line.text).map(({ text, href }, i) =>
          href === null ? (
            text
          ) : (
            // oxlint-disable-next-line react/no-array-index-key -- the pieces of a sent line never change
            <a key={i} href={href} target="_blank" rel="noopener noreferrer">
              {text}
            </a>
          ),
        )}
      </p>
      {line.private === null ? null : <p class="line-note">{t('chat.private')}</p>}
      {line.delivery === 'refused' ? (
        <p class="line-note line-note-bad" role="alert">
          {t('chat.refused')}
        </p>
      ) : null}
    </div>
  );
}

function Composer({ send }: { readonly send: (text: string) => void }) {
  const [text, setText] = useState('');
  const box = useRef<HTMLTextAreaElement>(null);
  // In the layout phase: the key after the one that opened the chat is a letter already.
  useLayoutEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (matchMedia('(pointer: fine)').matches) box.current?.focus();
  }, []);
  useEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.blockSize = 'auto';
    area.style.blockSize = `${Math.min(area.scrollHeight + 2, 140)}px`;
  }, [text]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (text.trim() === '') return;
    send(text.trim());
    setText('');
    box.current?.focus();
  };
  return (
    <form class="composer" onSubmit={submit}>
      <textarea
        ref={box}
        class="composer-text"
        rows={1}
        value={text}
        maxLength={4000}
        aria-label={t('chat.message')}
        placeholder={t('chat.placeholder')}
        enterkeyhint="send"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event);
        }}
      />
      <IconButton label={t('chat.send')} look={text.trim() === '' ? 'plain' : 'active'} disabled={text.trim() === ''} onClick={() => box.current?.form?.requestSubmit()}>
        <Icon name="send" size={20} />
      </IconButton>
    </form>
  );
}
