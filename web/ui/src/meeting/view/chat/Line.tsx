import { useState } from 'preact/hooks';
import { clock, t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon, type IconName } from '../../../kit/icons.tsx';
import { Avatar } from '../../../kit/Person.tsx';
import type { ChatMessage, Meeting } from '../../model/types.ts';
import { pieces } from './links.ts';

/** What one reacts with; any emoji of other clients is shown. */
const offered = ['👍', '❤️', '😂', '😮', '🎉', '🙏'];

interface LineProps {
  readonly meeting: Meeting;
  readonly line: ChatMessage;
  /** The message that this one answers. */
  readonly quoted: ChatMessage | undefined;
  /** The first of several of one person. */
  readonly first: boolean;
  readonly reply: (to: ChatMessage, privately: boolean) => void;
}

/** One message, with what can be done about it. */
export function Line({ meeting, line, quoted, first, reply }: LineProps) {
  const [open, setOpen] = useState(false);
  const name = line.own ? t('person.you') : line.name || t('person.guest');
  const names = ['line', line.own ? 'line-own' : '', first ? 'line-first' : '', line.private ? 'line-private' : ''];
  return (
    <div class={names.filter(Boolean).join(' ')} data-message={line.id}>
      {first ? (
        <p class="line-head">
          {line.own ? null : <Avatar name={name} size="1.5rem" />}
          <span class="line-name" dir="auto">{name}</span>
          <time dateTime={new Date(line.time).toISOString()}>{clock(line.time)}</time>
        </p>
      ) : null}
      {first && line.private ? (
        <p class="line-note line-note-private">
          <Icon name="lock" size={13} />
          {line.own ? tt('chat.private-to', { name: line.private.name || t('person.guest') }) : tt('chat.private-from')}
        </p>
      ) : null}
      <div class="line-row">
        <div class={`line-text line-${line.delivery}`}>
          {line.replyTo === '' || line.retracted ? null : <Quote quoted={quoted} />}
          {line.retracted ? (
            <p class="line-deleted">{tt('chat.deleted')}</p>
          ) : (
            <p dir="auto">
              <Text text={line.text} />
            </p>
          )}
        </div>
        {line.retracted ? null : (
          <span class={open ? 'line-more line-more-open' : 'line-more'}>
            <IconButton label={tt('chat.actions', { name })} look="plain" small expanded={open} onClick={() => setOpen(!open)}>
              <Icon name="more" size={18} />
            </IconButton>
          </span>
        )}
      </div>
      {line.reactions.length > 0 ? <Reactions meeting={meeting} line={line} /> : null}
      {open && !line.retracted ? <Actions meeting={meeting} line={line} reply={reply} close={() => setOpen(false)} /> : null}
      {line.delivery === 'refused' ? (
        <p class="line-note line-note-bad" role="alert">
          {t('chat.refused')}
        </p>
      ) : null}
    </div>
  );
}

function Text({ text }: { readonly text: string }) {
  return (
    <>
      {pieces(text).map(({ text: piece, href }, i) =>
        href === null ? (
          piece
        ) : (
          // oxlint-disable-next-line react/no-array-index-key -- the pieces of a sent line never change
          <a key={i} href={href} target="_blank" rel="noopener noreferrer">
            {piece}
          </a>
        ),
      )}
    </>
  );
}

function Quote({ quoted }: { readonly quoted: ChatMessage | undefined }) {
  // It was said before we came.
  if (!quoted) return null;
  const name = quoted.own ? t('person.you') : quoted.name || t('person.guest');
  return (
    <blockquote class="line-quote">
      <span class="line-quote-name">{name}</span>
      <span class="line-quote-text" dir="auto">
        {quoted.retracted ? tt('chat.deleted') : quoted.text}
      </span>
    </blockquote>
  );
}

function Reactions({ meeting, line }: { readonly meeting: Meeting; readonly line: ChatMessage }) {
  return (
    <ul class="line-reactions">
      {line.reactions.map((r) => {
        const names = r.by.map((p) => (p.id === meeting.me.id ? t('person.you') : p.name || t('person.guest'))).join(', ');
        return (
          <li key={r.emoji}>
            <button
              type="button"
              class={r.own ? 'line-reaction line-reaction-own' : 'line-reaction'}
              title={names}
              aria-pressed={r.own}
              aria-label={tt('chat.reaction', { emoji: r.emoji, n: r.by.length, names })}
              onClick={() => meeting.reactToChat(line.id, r.emoji)}
            >
              {r.emoji} {r.by.length}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

interface ActionsProps {
  readonly meeting: Meeting;
  readonly line: ChatMessage;
  readonly reply: (to: ChatMessage, privately: boolean) => void;
  readonly close: () => void;
}

function Actions({ meeting, line, reply, close }: ActionsProps) {
  const item = (icon: IconName, text: string, act: () => void) => (
    <button
      type="button"
      class="line-action"
      onClick={() => {
        act();
        close();
      }}
    >
      <Icon name={icon} size={16} />
      {text}
    </button>
  );
  const here = meeting.participants.value.some((p) => p.id === line.from);
  return (
    <div class="line-actions">
      <div class="line-emojis">
        {offered.map((emoji) => (
          <button
            key={emoji}
            type="button"
            class="line-emoji"
            aria-label={tt('chat.react', { emoji })}
            onClick={() => {
              meeting.reactToChat(line.id, emoji);
              close();
            }}
          >
            <span aria-hidden="true">{emoji}</span>
          </button>
        ))}
      </div>
      {item('reply', tt('chat.reply'), () => reply(line, false))}
      {!line.own && here && line.private === null ? item('lock', tt('chat.reply-private'), () => reply(line, true)) : null}
      {line.own ? item('trash', tt('chat.delete'), () => meeting.retractChat(line.id)) : null}
    </div>
  );
}
