// Microphone, camera, screen and speakers of this machine as signals. A device that vanishes is
// replaced by the default one; one that may not be used leaves the source off with the reason.

import { computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals-core';

import { meter, type Meter } from './level.ts';

export interface Device {
  readonly id: string;
  readonly label: string;
}

export type SourceState = 'off' | 'pending' | 'on';
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'failed';

export interface Source {
  readonly state: ReadonlySignal<SourceState>;
  readonly problem: ReadonlySignal<DeviceProblem | null>;
  readonly devices: ReadonlySignal<readonly Device[]>;
  readonly chosen: ReadonlySignal<string>;
  /** What it delivers while it is on. */
  readonly track: ReadonlySignal<MediaStreamTrack | null>;
}

export interface LocalDevices {
  readonly microphone: Source;
  readonly camera: Source;
  readonly screen: ReadonlySignal<SourceState>;
  readonly screenTrack: ReadonlySignal<MediaStreamTrack | null>;
  readonly canShare: boolean;
  /** What the browser does to the microphone's sound. */
  readonly echoCancellation: ReadonlySignal<boolean>;
  readonly noiseSuppression: ReadonlySignal<boolean>;
  readonly speakers: ReadonlySignal<readonly Device[]>;
  readonly speaker: ReadonlySignal<string>;
  readonly level: ReadonlySignal<number>;
  readonly preview: ReadonlySignal<MediaStream | null>;
  readonly screenPreview: ReadonlySignal<MediaStream | null>;
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  /** Resolves to false when the person chose nothing. */
  setScreen(on: boolean): Promise<boolean>;
  choose(kind: 'microphone' | 'camera' | 'speaker', deviceId: string): Promise<void>;
  setProcessing(what: 'echoCancellation' | 'noiseSuppression', on: boolean): Promise<void>;
  refresh(): Promise<void>;
  dispose(): void;
}

/** Remembers what was chosen; localStorage in the page, nothing in tests. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface DevicesOptions {
  readonly media: MediaDevices;
  readonly store?: Store;
  /** Height of the camera picture to ask for. */
  readonly resolution: number;
  /** Where the meter is made; tests have no audio. */
  readonly meter?: (track: MediaStreamTrack, onLevel: (level: number) => void) => Meter;
}

/** What a failed getUserMedia means to a person. */
export function problemOf(err: unknown): DeviceProblem {
  switch (err instanceof Error ? err.name : '') {
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

type Input = 'microphone' | 'camera';

export function createDevices(options: DevicesOptions): LocalDevices {
  const { media, store } = options;
  const level = signal(0);
  const speakers = signal<readonly Device[]>([]);
  const speaker = signal(store?.getItem('meetbox.speaker') ?? '');
  const canPick = typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;

  const processing = {
    echoCancellation: signal(store?.getItem('meetbox.echoCancellation') !== 'off'),
    noiseSuppression: signal(store?.getItem('meetbox.noiseSuppression') !== 'off'),
  };

  const microphone = input('microphone');
  const camera = input('camera');
  const screen = signal<SourceState>('off');
  const screenTrack = signal<MediaStreamTrack | null>(null);

  function constraints(kind: Input, id: string): MediaStreamConstraints {
    const device = id === '' ? {} : { deviceId: { exact: id } };
    if (kind === 'microphone') {
      return { audio: { ...device, echoCancellation: processing.echoCancellation.value, noiseSuppression: processing.noiseSuppression.value, autoGainControl: true } };
    }
    const height = options.resolution;
    return { video: { ...device, height: { ideal: height }, width: { ideal: Math.round((height * 16) / 9) }, frameRate: { ideal: 30, max: 30 } } };
  }

  function input(kind: Input) {
    const state = signal<SourceState>('off');
    const problem = signal<DeviceProblem | null>(null);
    const devices = signal<readonly Device[]>([]);
    const chosen = signal(store?.getItem(`meetbox.${kind}`) ?? '');
    const track: Signal<MediaStreamTrack | null> = signal(null);
    // Only the newest wish counts: who switches on and off quickly gets the last state.
    let wish = 0;

    // A muted microphone stays open: opening it again takes long and makes some headsets click.
    // A camera does not, because its light tells people that it is off.
    let held: MediaStreamTrack | null = null;

    function drop(): void {
      track.value = null;
      if (!held) return;
      held.onended = null;
      held.stop();
      held = null;
    }

    async function open(): Promise<MediaStreamTrack> {
      const get = async (id: string) => {
        const stream = await media.getUserMedia(constraints(kind, id));
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
      if (held) {
        held.enabled = true;
        track.value = held;
        state.value = 'on';
        return;
      }
      state.value = 'pending';
      try {
        const got = await open();
        if (mine !== wish) {
          got.stop();
          return;
        }
        drop();
        got.onended = () => {
          // Unplugged, or taken by the system: try the default device, once.
          const again = state.value === 'on';
          drop();
          state.value = 'off';
          chosen.value = '';
          if (again) void set(true);
        };
        held = got;
        track.value = got;
        problem.value = null;
        state.value = 'on';
      } catch (err) {
        if (mine !== wish) return;
        problem.value = problemOf(err);
        state.value = 'off';
      }
      // Labels are there only after the person allowed access.
      void refresh();
    }

    async function choose(id: string): Promise<void> {
      if (chosen.value === id) return;
      chosen.value = id;
      store?.setItem(`meetbox.${kind}`, id);
      await reopen();
    }

    async function reopen(): Promise<void> {
      const again = state.value !== 'off';
      // COMPAT(firefox, phones): a second camera cannot be opened while the first is in use.
      wish++;
      drop();
      state.value = 'off';
      if (again) await set(true);
    }

    return { state, problem, devices, chosen, track, set, choose, reopen, drop };
  }

  async function refresh(): Promise<void> {
    const all = await media.enumerateDevices().catch(() => []);
    const of = (kind: MediaDeviceKind): Device[] =>
      all
        .filter((d) => d.kind === kind && d.deviceId !== '' && d.deviceId !== 'default' && d.deviceId !== 'communications')
        .map((d) => ({ id: d.deviceId, label: d.label }));
    update(microphone.devices, of('audioinput'));
    update(camera.devices, of('videoinput'));
    update(speakers, canPick ? of('audiooutput') : []);
  }

  async function setScreen(on: boolean): Promise<boolean> {
    const old = screenTrack.value;
    if (!on) {
      if (old) {
        old.onended = null;
        old.stop();
      }
      screenTrack.value = null;
      screen.value = 'off';
      return true;
    }
    if (screen.value !== 'off') return screen.value === 'on';
    screen.value = 'pending';
    try {
      const stream = await media.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: false });
      const [track] = stream.getVideoTracks();
      if (!track) throw new DOMException('no track', 'NotFoundError');
      track.contentHint = 'detail';
      // The browser's own "stop sharing" button.
      track.onended = () => void setScreen(false);
      screenTrack.value = track;
      screen.value = 'on';
      return true;
    } catch (err) {
      screen.value = 'off';
      if (problemOf(err) === 'denied') return false;
      throw err;
    }
  }

  const stopMeter = effect(() => {
    const track = microphone.track.value;
    if (!track) return undefined;
    const m = (options.meter ?? meter)(track, (value) => {
      level.value = value;
    });
    return () => m.stop();
  });
  const changed = () => void refresh();
  media.addEventListener('devicechange', changed);
  void refresh();

  return {
    microphone,
    camera,
    screen,
    screenTrack,
    canShare: 'getDisplayMedia' in media,
    ...processing,
    speakers,
    speaker,
    level,
    preview: streamOf(camera.track),
    screenPreview: streamOf(screenTrack),
    setMicrophone: microphone.set,
    setCamera: camera.set,
    setScreen,
    async choose(kind, id) {
      if (kind === 'microphone') await microphone.choose(id);
      else if (kind === 'camera') await camera.choose(id);
      else {
        speaker.value = id;
        store?.setItem('meetbox.speaker', id);
      }
    },
    async setProcessing(what, on) {
      if (processing[what].value === on) return;
      processing[what].value = on;
      store?.setItem(`meetbox.${what}`, on ? 'on' : 'off');
      // Browsers settle this when a microphone is opened.
      await microphone.reopen();
    },
    refresh,
    dispose() {
      media.removeEventListener('devicechange', changed);
      stopMeter();
      for (const source of [microphone, camera]) {
        void source.set(false);
        source.drop();
      }
      void setScreen(false);
    },
  };
}

function streamOf(track: ReadonlySignal<MediaStreamTrack | null>): ReadonlySignal<MediaStream | null> {
  return computed(() => (track.value ? new MediaStream([track.value]) : null));
}

function update(list: Signal<readonly Device[]>, now: readonly Device[]): void {
  const same = list.value.length === now.length && now.every((d, i) => d.id === list.value[i]?.id && d.label === list.value[i]?.label);
  if (!same) list.value = now;
}
