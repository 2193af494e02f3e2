// Focus may want newcomers to be quiet, by the rules of the room; the person can speak up afterwards.

import type { LocalDevices } from '../../rtc/devices.ts';
import type { NoticeKind, Participant } from './types.ts';

interface StartMutedOptions {
  readonly me: Participant;
  readonly devices: Pick<LocalDevices, 'setMicrophone' | 'setCamera'>;
  readonly notice: (notice: NoticeKind) => void;
}

/** What came with the first session counts, and no other. */
export function createStartMuted({ me, devices, notice }: StartMutedOptions): (muted: { readonly audio: boolean; readonly video: boolean }) => void {
  let done = false;
  return (muted) => {
    if (done) return;
    done = true;
    if (muted.audio && !me.audioMuted.peek()) {
      void devices.setMicrophone(false);
      notice({ kind: 'start-muted', media: 'audio' });
    }
    if (muted.video && !me.videoMuted.peek()) {
      void devices.setCamera(false);
      notice({ kind: 'start-muted', media: 'video' });
    }
  };
}
