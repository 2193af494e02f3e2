import { tt } from '../../../i18n/together.ts';
import { announce } from '../../../kit/Live.tsx';
import type { Reaction } from '../../model/together/reactions.ts';
import type { Meeting } from '../../model/types.ts';

let refused = false;

/** Sends a reaction. false, and said: too many in too short a time. */
export function react(meeting: Meeting, reaction: Reaction): boolean {
  const ok = meeting.together.peek()?.reactions.send(reaction) ?? false;
  if (!ok && !refused) announce(tt('react.wait')); // once, however often it is tried
  refused = !ok;
  return ok;
}
