import type { Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { ChatMessage, Meeting } from '../../model/types.ts';
import { displayName } from '../app/words.ts';

interface ComposerProps {
  readonly meeting: Meeting;
  /** Whom one writes to; null is everybody. */
  readonly to: Signal<string | null>;
  readonly replyTo: Signal<ChatMessage | null>;
  readonly send: (text: string) => void;
}

/** Where one writes, and to whom. */
export function Composer({ meeting, to, replyTo, send }: ComposerProps) {
  const [text, setText] = useState('');
  const box = useRef<HTMLTextAreaElement>(null);
  // In the layout phase: the key after the one that opened the chat is a letter already.
  useLayoutEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (matchMedia('(pointer: fine)').matches) box.current?.focus();
  }, []);
  const answering = replyTo.value;
  useEffect(() => {
    if (answering) box.current?.focus();
  }, [answering]);
  useEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.blockSize = 'auto';
    area.style.blockSize = `${Math.min(area.scrollHeight + 2, 140)}px`;
  }, [text]);
  const others = meeting.participants.value.filter((p) => !p.local);
  const person = others.find((p) => p.id === to.value);
  // Whoever one writes to in private may leave meanwhile: then nothing goes to everybody by mistake.
  const gone = to.value !== null && !person;
  const empty = text.trim() === '' || gone;
  const submit = (event: Event) => {
    event.preventDefault();
    if (empty) return;
    send(text.trim());
    setText('');
    box.current?.focus();
  };
  return (
    <form class={person || gone ? 'composer composer-private' : 'composer'} onSubmit={submit}>
      {others.length > 0 || gone ? (
        <label class="composer-to">
          <span aria-hidden="true">{tt('chat.to')}</span>
          <select aria-label={tt('chat.to')} value={to.value ?? ''} onChange={(event) => (to.value = event.currentTarget.value === '' ? null : event.currentTarget.value)}>
            <option value="">{tt('chat.everybody')}</option>
            {others.map((p) => (
              <option key={p.id} value={p.id}>
                {displayName(p)}
              </option>
            ))}
            {gone ? <option value={to.value ?? ''}>…</option> : null}
          </select>
          {person ? <Icon name="lock" size={14} /> : null}
        </label>
      ) : null}
      {gone ? (
        <p class="composer-gone" role="alert">
          {tt('chat.gone', { name: meeting.chat.value.findLast((m) => m.private?.id === to.value)?.private?.name || t('person.guest') })}
        </p>
      ) : null}
      {answering ? (
        <div class="composer-reply">
          <span class="composer-reply-text">
            <strong>{tt('chat.replying', { name: answering.own ? t('person.you') : answering.name || t('person.guest') })}</strong>
            <span dir="auto">{answering.text}</span>
          </span>
          <IconButton
            label={tt('chat.reply-cancel')}
            look="plain"
            small
            onClick={() => {
              replyTo.value = null;
            }}
          >
            <Icon name="close" size={16} />
          </IconButton>
        </div>
      ) : null}
      <div class="composer-row">
        <textarea
          ref={box}
          class="composer-text"
          dir={text === '' ? undefined : 'auto'}
          rows={1}
          value={text}
          maxLength={4000}
          aria-label={t('chat.message')}
          placeholder={person ? tt('chat.placeholder-private', { name: displayName(person) }) : t('chat.placeholder')}
          enterkeyhint="send"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            // COMPAT(safari): the Enter that ends a composition comes after it, with the code of its keys.
            const composes = event.isComposing || event.keyCode === 229;
            if (event.key === 'Enter' && !event.shiftKey && !composes) submit(event);
            if (event.key === 'Escape' && answering) {
              event.preventDefault();
              replyTo.value = null;
            }
          }}
        />
        <IconButton label={t('chat.send')} look={empty ? 'plain' : 'active'} disabled={empty} onClick={() => box.current?.form?.requestSubmit()}>
          <Icon name="send" size={20} />
        </IconButton>
      </div>
    </form>
  );
}
