import { useState } from 'preact/hooks';
import { tt } from '../../../i18n/together.ts';
import { Button } from '../../../kit/Button.tsx';
import { SwitchField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { Moderation } from '../../model/together/moderation.ts';

/** What moderators do about everybody at once. */
export function Rules({ moderation }: { readonly moderation: Moderation }) {
  const [open, setOpen] = useState(false);
  const { on, startMuted } = moderation;
  return (
    <div class="people-rules">
      <div class="people-rules-buttons">
        <Button onClick={() => void moderation.muteAll('audio')}>
          <Icon name="mic-off" size={18} />
          {tt('people.mute-all')}
        </Button>
        <button type="button" class="people-rules-more" aria-expanded={open} onClick={() => setOpen(!open)}>
          {tt('people.rules')}
          <Icon name="up" size={16} />
        </button>
      </div>
      {open ? (
        <div class="people-rules-list">
          <Button onClick={() => void moderation.muteAll('video')}>
            <Icon name="camera-off" size={18} />
            {tt('people.stop-all')}
          </Button>
          {moderation.available.value ? (
            <>
              <SwitchField label={tt('people.rule-audio')} on={!on.value.audio} onChange={(may) => moderation.set('audio', !may)} />
              <SwitchField label={tt('people.rule-video')} on={!on.value.video} onChange={(may) => moderation.set('video', !may)} />
            </>
          ) : null}
          <SwitchField label={tt('people.rule-start-audio')} on={startMuted.value.audio} onChange={(muted) => moderation.setStartMuted('audio', muted)} />
          <SwitchField label={tt('people.rule-start-video')} on={startMuted.value.video} onChange={(muted) => moderation.setStartMuted('video', muted)} />
        </div>
      ) : null}
    </div>
  );
}
