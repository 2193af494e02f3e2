import type { Signal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { tf } from '../../../i18n/frame.ts';
import { Button } from '../../../kit/Button.tsx';
import type { Meeting } from '../../model/types.ts';
import { CopyLink } from './CopyLink.tsx';
import type { Panel } from './Toolbar.tsx';

interface AloneProps {
  readonly meeting: Meeting;
  readonly panel: Signal<Panel>;
  readonly link: string;
}

/** Nobody else is in this room: they are in others, have gone, or have not come yet. */
export function Alone({ meeting, panel, link }: AloneProps) {
  const hadCompany = useRef(false);
  const alone = meeting.participants.value.length < 2;
  if (!alone) hadCompany.current = true;
  if (!alone) return null;
  const breakouts = meeting.together.value?.breakouts;
  const elsewhere = breakouts?.rooms.value.some((r) => r.jid !== breakouts.here.value && r.people.length > 0);
  return (
    <div class="alone">
      {elsewhere ? (
        <>
          <h2>{tf('alone.rooms')}</h2>
          <p>{tf('alone.rooms-text')}</p>
          <Button onClick={() => (panel.value = 'breakouts')}>{tf('alone.rooms-open')}</Button>
        </>
      ) : (
        <>
          <h2>{tf(hadCompany.current ? 'alone.only' : 'alone.title')}</h2>
          <p>{tf('alone.text')}</p>
          <CopyLink link={link} />
        </>
      )}
    </div>
  );
}
