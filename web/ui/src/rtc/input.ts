// A microphone or a camera: opened, treated (a background, cleaner sound), muted, replaced.

import { signal, type ReadonlySignal, type Signal } from '@preact/signals-core';

export interface Device {
  readonly id: string;
  readonly label: string;
  /** The same for the parts of one thing, such as a headset; '' where the browser does not tell. */
  readonly group?: string;
}

export type SourceState = 'off' | 'pending' | 'on';
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'failed';
export type InputKind = 'microphone' | 'camera';

export interface Source {
  readonly state: ReadonlySignal<SourceState>;
  readonly problem: ReadonlySignal<DeviceProblem | null>;
  readonly devices: ReadonlySignal<readonly Device[]>;
  readonly chosen: ReadonlySignal<string>;
  /** What it delivers while it is on. */
  readonly track: ReadonlySignal<MediaStreamTrack | null>;
}

export interface Input extends Source {
  readonly devices: Signal<readonly Device[]>;
  /** What a microphone delivers, also while it is muted; a copy, for listening only. */
  readonly raw: ReadonlySignal<MediaStreamTrack | null>;
  set(on: boolean): Promise<void>;
  choose(id: string): Promise<void>;
  /** Opens it again, with the constraints of now. */
  reopen(): Promise<void>;
  /** The treatment changed. False: the new one could not be had, and the old one goes on. */
  treatAgain(): Promise<boolean>;
  drop(): void;
}

/** What is made of a device's track. */
export interface Treated {
  readonly track: MediaStreamTrack;
  stop(): void;
}

/** Remembers what was chosen; localStorage in the page, nothing in tests. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface InputOptions {
  readonly kind: InputKind;
  readonly media: MediaDevices;
  readonly store?: Store | undefined;
  constraints(device: { readonly deviceId?: { readonly exact: string } }): MediaStreamConstraints;
  /** Null: nothing is to be done with it. When it throws, nothing untreated is sent. */
  treat(raw: MediaStreamTrack): Promise<Treated | null>;
  treatmentFailed(): void;
  /** It was unplugged while in use, and another one was opened. */
  replaced(label: string): void;
  /** Devices may have labels now that they had not before. */
  opened(): void;
}

/** What a failed getUserMedia means to a person. */
export function problemOf(err: unknown): DeviceProblem {
  // An OverconstrainedError is no Error in every engine.
  switch (typeof err === 'object' && err !== null && 'name' in err ? err.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

export function createInput(options: InputOptions): Input {
  const { kind, media, store } = options;
  const state = signal<SourceState>('off');
  const problem = signal<DeviceProblem | null>(null);
  const devices = signal<readonly Device[]>([]);
  const chosen = signal(store?.getItem(`meetbox.${kind}`) ?? '');
  const track = signal<MediaStreamTrack | null>(null);
  const raw = signal<MediaStreamTrack | null>(null);
  // Only the newest wish counts: who switches on and off quickly gets the last state.
  let wish = 0;

  // A muted microphone stays open: opening it again takes long and makes some headsets click.
  // A camera does not, because its light tells people that it is off.
  let held: MediaStreamTrack | null = null;
  let treated: Treated | null = null;

  function drop(): void {
    track.value = null;
    treated?.stop();
    treated = null;
    raw.value?.stop();
    raw.value = null;
    if (!held) return;
    held.onended = null;
    held.stop();
    held = null;
  }

  async function open(): Promise<MediaStreamTrack> {
    const get = async (id: string) => {
      const stream = await media.getUserMedia(options.constraints(id === '' ? {} : { deviceId: { exact: id } }));
      const [first] = stream.getTracks();
      if (!first) throw new DOMException('no track', 'NotFoundError');
      return first;
    };
    try {
      return await get(chosen.value);
    } catch (err) {
      // The remembered device may be at home today.
      if (chosen.value !== '' && problemOf(err) === 'missing') return get('');
      throw err;
    }
  }

  function hold(got: MediaStreamTrack): void {
    drop();
    held = got;
    if (kind === 'microphone') raw.value = got.clone();
    got.onended = () => {
      // Unplugged, or taken by the system: try the default device, once.
      const again = state.value === 'on';
      drop();
      state.value = 'off';
      chosen.value = '';
      if (!again) return;
      void set(true).then(() => {
        if (state.value === 'on') options.replaced(got.label);
      });
    };
  }

  function deliver(): void {
    track.value = treated?.track ?? held;
    problem.value = null;
    state.value = 'on';
  }

  async function set(on: boolean): Promise<void> {
    const mine = ++wish;
    if (!on) {
      if (kind === 'microphone' && held) {
        held.enabled = false;
        track.value = null;
      } else drop();
      state.value = 'off';
      return;
    }
    if (state.value === 'on') return;
    if (held && kind === 'microphone') {
      held.enabled = true;
      deliver();
      return;
    }
    state.value = 'pending';
    let got: MediaStreamTrack;
    try {
      got = await open();
    } catch (err) {
      if (mine !== wish) return;
      problem.value = problemOf(err);
      state.value = 'off';
      options.opened();
      return;
    }
    if (mine !== wish) {
      got.stop();
      return;
    }
    hold(got);
    // Who chose a background is not to be seen without it, however short.
    const next = await options.treat(got).catch(() => 'failed' as const);
    if (mine !== wish || held !== got) {
      if (next !== 'failed') next?.stop();
      // A microphone that was muted meanwhile is held without its treatment, until the next change.
      if (kind === 'camera' && held === got) drop();
      return;
    }
    if (next === 'failed' && kind === 'camera') {
      drop();
      state.value = 'off';
      options.treatmentFailed();
      return;
    }
    treated = next === 'failed' ? null : next;
    if (next === 'failed') options.treatmentFailed();
    deliver();
    // Labels are there only after the person allowed access.
    options.opened();
  }

  async function reopen(): Promise<void> {
    const again = state.value !== 'off';
    // COMPAT(firefox, phones): a second camera cannot be opened while the first is in use.
    wish++;
    drop();
    state.value = 'off';
    if (again) await set(true);
  }

  return {
    state,
    problem,
    devices,
    chosen,
    track,
    raw,
    set,
    reopen,
    drop,
    async choose(id) {
      if (chosen.value === id) return;
      chosen.value = id;
      store?.setItem(`meetbox.${kind}`, id);
      await reopen();
    },
    async treatAgain() {
      const got = held;
      if (!got) return true;
      const next = await options.treat(got).catch(() => 'failed' as const);
      if (next === 'failed') return false;
      if (held !== got) {
        next?.stop();
        return true;
      }
      const old = treated;
      treated = next;
      if (state.value === 'on') track.value = next?.track ?? got;
      old?.stop();
      return true;
    },
  };
}
