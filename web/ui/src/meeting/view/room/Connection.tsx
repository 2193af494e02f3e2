import { useEffect } from 'preact/hooks';
import { tf } from '../../../i18n/frame.ts';
import { Icon } from '../../../kit/icons.tsx';
import { announce } from '../../../kit/Live.tsx';
import type { Verdict } from '../../model/quality.ts';
import type { Meeting } from '../../model/types.ts';
import { displayName } from '../app/words.ts';
import './connection.css';

/** What is wrong, in one sentence. */
export function verdictText(meeting: Meeting, verdict: Verdict): string {
  if (verdict.kind !== 'other-weak') return tf(`quality.${verdict.kind}`);
  const person = meeting.participants.value.find((p) => p.id === verdict.who);
  return person ? tf('quality.other-weak', { name: displayName(person) }) : tf('quality.good');
}

/** How the connection does: a symbol, with words as soon as it does not well. Opens the figures. */
export function ConnectionButton({ meeting, open }: { readonly meeting: Meeting; readonly open: () => void }) {
  const verdict = meeting.quality.verdict.value;
  const text = verdictText(meeting, verdict);
  const well = verdict.kind === 'good';
  useEffect(() => {
    if (!well) announce(text);
  }, [well, text]);
  return (
    <button type="button" class={well ? 'connection' : `connection connection-${verdict.kind}`} aria-haspopup="dialog" aria-label={`${tf('quality.title')}: ${text}`} title={text} onClick={open}>
      <Icon name="bars" size={17} />
      {well ? null : <span class="connection-text">{text}</span>}
    </button>
  );
}
