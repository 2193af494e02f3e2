import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { tf } from '../../../i18n/frame.ts';
import { announce } from '../../../kit/Live.tsx';
import type { Meeting } from '../../model/types.ts';
import { displayName } from '../app/words.ts';

/** Long texts are read in the chat. */
const most = 200;

interface SpokenProps {
  readonly meeting: Meeting;
  /** Whether the chat is on screen, which is a log that is read aloud by itself. */
  readonly reading: boolean;
}

/** Says aloud what others only see: raised hands, and messages while the chat is closed. Shows nothing. */
export function Spoken({ meeting, reading }: SpokenProps) {
  const up = useRef<ReadonlySet<string> | null>(null);
  useSignalEffect(() => {
    const now = meeting.participants.value.filter((p) => !p.local && p.raisedHand.value > 0);
    // Those that were up before we came are no news.
    if (up.current) for (const p of now) if (!up.current.has(p.id)) announce(tf('spoken.hand', { name: displayName(p) }));
    up.current = new Set(now.map((p) => p.id));
  });
  const open = useRef(reading);
  open.current = reading;
  const since = useRef(Date.now());
  const heard = useRef<ReadonlySet<string> | null>(null);
  useSignalEffect(() => {
    const lines = meeting.chat.value;
    const before = heard.current;
    heard.current = new Set(lines.map((line) => line.id));
    if (!before || open.current) return;
    for (const line of lines) {
      // What was written before we came is history.
      if (line.own || before.has(line.id) || line.time < since.current) continue;
      const text = line.text.length > most ? `${line.text.slice(0, most)}…` : line.text;
      announce(tf(line.private ? 'spoken.private' : 'spoken.chat', { name: line.name, text }));
    }
  });
  return null;
}
