// Our shared screen. It is announced before it is shown to others, and withdrawn after.

import { effect, signal, type ReadonlySignal } from '@preact/signals-core';

import type { LocalDevices } from '../../rtc/devices.ts';
import { StanzaError } from '../../xmpp/stanza.ts';
import type { NoticeKind } from './types.ts';

export interface ScreenOptions {
  readonly devices: LocalDevices;
  /** Tells the focus. */
  readonly announce: (on: boolean) => Promise<void>;
  readonly notice: (what: NoticeKind) => void;
}

export interface Screen {
  /** Others know of it. */
  readonly announced: ReadonlySignal<boolean>;
  share(on: boolean): Promise<void>;
  /** Announces what the device does, until the result is called. */
  follow(): () => void;
  reset(): void;
}

export function createScreen({ devices, announce, notice }: ScreenOptions): Screen {
  const announced = signal(false);

  // The focus and the bridge are told of a screen before its first frame is asked for.
  async function tell(on: boolean): Promise<void> {
    try {
      if (!on) announced.value = false;
      await announce(on);
      if (on && devices.screenTrack.peek()) announced.value = true;
    } catch (err) {
      if (!on) return;
      notice(err instanceof StanzaError ? { kind: 'refused', text: err.message } : { kind: 'share-failed' });
      await devices.setScreen(false).catch(() => undefined);
    }
  }

  return {
    announced,
    async share(on) {
      try {
        await devices.setScreen(on);
      } catch {
        notice({ kind: 'share-failed' });
      }
    },
    follow() {
      let was = devices.screenTrack.peek() !== null;
      let telling: Promise<void> = Promise.resolve();
      if (was) announced.value = true;
      return effect(() => {
        const on = devices.screenTrack.value !== null;
        if (on === was) return;
        was = on;
        telling = telling.then(() => tell(on));
      });
    },
    reset() {
      announced.value = false;
    },
  };
}
