import { type ReadonlySignal, type Signal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { tt } from '../../../i18n/together.ts';
import { Button } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { Together as Model } from '../../model/together/together.ts';
import type { Meeting } from '../../model/types.ts';
import type { Panel } from '../room/Toolbar.tsx';
import { DropFiles } from './DropFiles.tsx';
import { Flying } from './Flying.tsx';
import './together.css';

interface TogetherProps {
  readonly meeting: Meeting;
  readonly panel: Signal<Panel>;
}

/** What lies over the pictures of what people do together. */
export function Together({ meeting, panel }: TogetherProps) {
  const together = meeting.together.value;
  return together ? <Loaded together={together} panel={panel} speaker={meeting.media.speaker} /> : null;
}

interface LoadedProps {
  readonly together: Model;
  readonly panel: Signal<Panel>;
  readonly speaker: ReadonlySignal<string>;
}

function Loaded({ together, panel, speaker }: LoadedProps) {
  const { polls, files, breakouts } = together;
  useSignalEffect(() => {
    polls.looking(panel.value === 'polls');
    files.looking(panel.value === 'files');
  });
  useEffect(
    () => () => {
      polls.looking(false);
      files.looking(false);
    },
    [polls, files],
  );
  const room = breakouts.rooms.value.find((r) => r.jid === breakouts.here.value);
  return (
    <>
      <Flying reactions={together.reactions} speaker={speaker} />
      <DropFiles
        files={files}
        open={() => {
          panel.value = 'files';
        }}
      />
      {breakouts.away.value ? (
        <output class="away">
          <Icon name="rooms" size={20} />
          <span>{tt('breakout.you', { room: room?.name ?? tt('breakout.title') })}</span>
          <Button kind="secondary" onClick={() => breakouts.join(breakouts.home)}>
            {tt('breakout.leave')}
          </Button>
        </output>
      ) : null}
    </>
  );
}
