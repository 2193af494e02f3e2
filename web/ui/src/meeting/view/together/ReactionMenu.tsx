import { useState } from 'preact/hooks';
import { tt } from '../../../i18n/together.ts';
import { SwitchField } from '../../../kit/Field.tsx';
import { offered, reactions, type Reaction } from '../../model/together/reactions.ts';
import type { Meeting } from '../../model/types.ts';
import { reactionSound } from '../app/settings.ts';
import { react } from './react.ts';
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
  const send = (reaction: Reaction) => {
    setTooMany(!react(meeting, reaction));
    done?.();
  };
  return (
    <>
      <div class="reactions">
        {offered.map((reaction) => (
          <button key={reaction} type="button" role={role} class="reaction" aria-label={tt(`react.${reaction}`)} title={tt(`react.${reaction}`)} onClick={() => send(reaction)}>
            <span aria-hidden="true">{reactions[reaction]}</span>
          </button>
        ))}
        {tooMany ? <p class="reactions-wait">{tt('react.wait')}</p> : null}
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
