import { useState } from 'preact/hooks';
import { tt } from '../../../i18n/together.ts';
import { SwitchField } from '../../../kit/Field.tsx';
import { announce } from '../../../kit/Live.tsx';
import { offered, reactions, type Reaction } from '../../model/together/reactions.ts';
import type { Meeting } from '../../model/types.ts';
import { reactionSound } from '../app/settings.ts';
import './reactions.css';

interface ReactionMenuProps {
  readonly meeting: Meeting;
  /** In a menu it closes that; beside the toolbar it stays, for the next one. */
  readonly done?: () => void;
  readonly role?: 'menuitem';
}

/** One button for each reaction. */
export function ReactionMenu({ meeting, done, role }: ReactionMenuProps) {
  const [tooMany, setTooMany] = useState(false);
  const react = (reaction: Reaction) => {
    const ok = meeting.together.peek()?.reactions.send(reaction) ?? false;
    setTooMany(!ok);
    if (ok) announce(tt(`react.${reaction}`));
    done?.();
  };
  return (
    <>
      <div class="reactions">
      {offered.map((reaction) => (
        <button key={reaction} type="button" role={role} class="reaction" aria-label={tt(`react.${reaction}`)} title={tt(`react.${reaction}`)} onClick={() => react(reaction)}>
          <span aria-hidden="true">{reactions[reaction]}</span>
        </button>
      ))}
      {tooMany ? (
        <output class="reactions-wait">{tt('react.wait')}</output>
      ) : null}
    </div>
    {role ? null : (
      <SwitchField
        label={tt('react.sound')}
        on={reactionSound.value}
        onChange={(on) => {
          reactionSound.value = on;
        }}
      />
    )}
    </>
  );
}
