// Microphone, camera, screen and speakers of this machine as signals. A device that vanishes is
// replaced by the default one; one that may not be used leaves the source off with the reason.

import { computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals-core';

import { createInput, problemOf, type Device, type InputKind, type Source, type SourceState, type Store, type Treated } from './input.ts';
import { meter, type Meter } from './level.ts';

export { problemOf, type Device, type DeviceProblem, type Source, type SourceState, type Store } from './input.ts';

/** What is shared: letters that should be sharp, or pictures that should flow. */
export type Sharing = 'text' | 'motion';

/** Something was plugged in, or what was in use is gone and another one took its place. */
export interface DeviceNews {
  readonly kind: InputKind | 'speaker';
  readonly what: 'arrived' | 'replaced';
  readonly device: Device;
}

export interface LocalDevices {
  readonly microphone: Source;
  readonly camera: Source;
  readonly screen: ReadonlySignal<SourceState>;
  readonly screenTrack: ReadonlySignal<MediaStreamTrack | null>;
  /** What is to be heard of us: the microphone, with the sound of what is shared. */
  readonly sound: ReadonlySignal<MediaStreamTrack | null>;
  readonly sharing: ReadonlySignal<Sharing>;
  readonly canShare: boolean;
  /** What the browser does to the microphone's sound. */
  readonly echoCancellation: ReadonlySignal<boolean>;
  readonly noiseSuppression: ReadonlySignal<boolean>;
  /** Whether RNNoise leaves nothing but voices. */
  readonly onlyVoice: ReadonlySignal<boolean>;
  /** What is behind us: 'none', 'blur', or what the effect knows besides. */
  readonly background: ReadonlySignal<string>;
  /** A treatment could not be had; what was chosen is off again. */
  readonly effectFailed: Signal<InputKind | null>;
  /** Height of the camera's picture to ask for. */
  readonly resolution: ReadonlySignal<number>;
  readonly speakers: ReadonlySignal<readonly Device[]>;
  readonly speaker: ReadonlySignal<string>;
  readonly level: ReadonlySignal<number>;
  /** What the microphone hears, also while it is muted; for hints. */
  readonly heard: ReadonlySignal<number>;
  /** Null when it was dealt with. */
  readonly news: Signal<DeviceNews | null>;
  readonly preview: ReadonlySignal<MediaStream | null>;
  readonly screenPreview: ReadonlySignal<MediaStream | null>;
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  /** Resolves to false when the person chose nothing. */
  setScreen(on: boolean): Promise<boolean>;
  setSharing(what: Sharing): Promise<void>;
  /** Nothing of us is heard any more: neither the microphone nor what is shared. */
  silence(): Promise<void>;
  choose(kind: InputKind | 'speaker', deviceId: string): Promise<void>;
  setProcessing(what: 'echoCancellation' | 'noiseSuppression' | 'onlyVoice', on: boolean): Promise<void>;
  setBackground(what: string): Promise<void>;
  setResolution(height: number): Promise<void>;
  refresh(): Promise<void>;
  dispose(): void;
}

/** Loaded when they are wanted. */
export interface Effects {
  voice(raw: MediaStreamTrack): Promise<Treated>;
  background(raw: MediaStreamTrack, what: string): Promise<Treated>;
  mix(tracks: readonly MediaStreamTrack[]): Promise<Treated>;
}

export interface DevicesOptions {
  readonly media: MediaDevices;
  readonly store?: Store;
  /** Height of the camera picture to ask for. */
  readonly resolution: number;
  /** Without them a sound and a picture are sent as they are. */
  readonly effects?: Effects;
  /** Where the meter is made; tests have no audio. */
  readonly meter?: (track: MediaStreamTrack, onLevel: (level: number) => void) => Meter;
}

const frameRates: Readonly<Record<Sharing, number>> = { text: 15, motion: 30 };

export function createDevices(options: DevicesOptions): LocalDevices {
  const { media, store, effects } = options;
  const kept = (key: string, otherwise: string) => signal(store?.getItem(`meetbox.${key}`) ?? otherwise);
  const keep = (key: string, value: string) => store?.setItem(`meetbox.${key}`, value);
  const heard = signal(0);
  const speakers = signal<readonly Device[]>([]);
  const speaker = kept('speaker', '');
  const canPick = typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;
  const background = kept('background', 'none');
  const effectFailed = signal<InputKind | null>(null);
  const resolution = signal(Number(store?.getItem('meetbox.resolution')) || options.resolution);
  const news = signal<DeviceNews | null>(null);
  const processing = {
    echoCancellation: signal(store?.getItem('meetbox.echoCancellation') !== 'off'),
    noiseSuppression: signal(store?.getItem('meetbox.noiseSuppression') !== 'off'),
    onlyVoice: signal(store?.getItem('meetbox.onlyVoice') === 'on'),
  };

  const common = (kind: InputKind) => ({
    kind,
    media,
    store,
    opened: () => void refresh(),
    replaced: (label: string) => {
      news.value = { kind, what: 'replaced', device: { id: '', label } };
    },
  });
  const microphone = createInput({
    ...common('microphone'),
    constraints: (device) => ({
      audio: { ...device, echoCancellation: processing.echoCancellation.value, noiseSuppression: processing.noiseSuppression.value, autoGainControl: true },
    }),
    treat: async (raw) => (effects && processing.onlyVoice.value ? effects.voice(raw) : null),
    treatmentFailed: () => onlyVoiceOff(),
  });
  const camera = createInput({
    ...common('camera'),
    constraints: (device) => {
      const height = resolution.value;
      return { video: { ...device, height: { ideal: height }, width: { ideal: Math.round((height * 16) / 9) }, frameRate: { ideal: 30, max: 30 } } };
    },
    treat: async (raw) => (effects && background.value !== 'none' ? effects.background(raw, background.value) : null),
    treatmentFailed: () => backgroundOff(),
  });

  function onlyVoiceOff(): void {
    processing.onlyVoice.value = false;
    effectFailed.value = 'microphone';
  }
  function backgroundOff(): void {
    background.value = 'none';
    effectFailed.value = 'camera';
  }

  async function refresh(): Promise<void> {
    const all = await media.enumerateDevices().catch(() => []);
    const of = (kind: MediaDeviceKind): Device[] =>
      all
        .filter((d) => d.kind === kind && d.deviceId !== '' && d.deviceId !== 'default' && d.deviceId !== 'communications')
        .map((d) => ({ id: d.deviceId, label: d.label, ...(d.groupId ? { group: d.groupId } : {}) }));
    const lists = [
      ['microphone', microphone.devices, of('audioinput')],
      ['camera', camera.devices, of('videoinput')],
      ['speaker', speakers, canPick ? of('audiooutput') : []],
    ] as const;
    // A headset is told of once, as a microphone.
    for (const [kind, list, now] of lists.toReversed()) {
      const fresh = arrived(list.value, now);
      if (fresh) news.value = { kind, what: 'arrived', device: fresh };
      update(list, now);
    }
    const gone = news.value;
    if (gone?.what === 'arrived' && !lists.some(([, , now]) => now.some((d) => d.id === gone.device.id))) news.value = null;
    if (speaker.value !== '' && speakers.value.length > 0 && !speakers.value.some((d) => d.id === speaker.value)) speaker.value = '';
  }

  const screen = signal<SourceState>('off');
  const screenTrack = signal<MediaStreamTrack | null>(null);
  const screenSound = signal<MediaStreamTrack | null>(null);
  const sharing = signal<Sharing>(store?.getItem('meetbox.sharing') === 'motion' ? 'motion' : 'text');

  function tuneScreen(track: MediaStreamTrack): void {
    track.contentHint = sharing.value === 'motion' ? 'motion' : 'detail';
  }

  function end(track: MediaStreamTrack | null): void {
    if (!track) return;
    track.onended = null;
    track.stop();
  }

  async function setScreen(on: boolean): Promise<boolean> {
    if (!on) {
      end(screenTrack.value);
      end(screenSound.value);
      screenTrack.value = null;
      screenSound.value = null;
      screen.value = 'off';
      return true;
    }
    if (screen.value !== 'off') return screen.value === 'on';
    screen.value = 'pending';
    try {
      const wanted: DisplayMediaStreamOptions & Record<string, unknown> = {
        video: { frameRate: { ideal: frameRates[sharing.value], max: 30 } },
        // Echo cancellation would take the meeting's own voices for an echo of what is shared.
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
        // The meeting itself would be a hall of mirrors.
        selfBrowserSurface: 'exclude',
        surfaceSwitching: 'include',
        systemAudio: 'include',
      };
      const stream = await media.getDisplayMedia(wanted);
      const [track] = stream.getVideoTracks();
      if (!track) throw new DOMException('no track', 'NotFoundError');
      tuneScreen(track);
      // The browser's own "stop sharing" button.
      track.onended = () => void setScreen(false);
      const [sound] = stream.getAudioTracks();
      if (sound) {
        sound.onended = () => (screenSound.value = null);
        screenSound.value = sound;
      }
      screenTrack.value = track;
      screen.value = 'on';
      return true;
    } catch (err) {
      screen.value = 'off';
      if (problemOf(err) === 'denied') return false;
      throw err;
    }
  }

  // With a shared sound there is one track of both, because a participant has one voice.
  const mixed = signal<Treated | null>(null);
  let mixing = 0;
  const stopMixing = effect(() => {
    const sound = screenSound.value;
    const voice = microphone.track.value;
    const mine = ++mixing;
    if (!sound || !effects) {
      mixed.peek()?.stop();
      mixed.value = null;
      return;
    }
    void effects.mix(voice ? [voice, sound] : [sound]).then(
      (next) => {
        if (mine !== mixing) {
          next.stop();
          return;
        }
        mixed.peek()?.stop();
        mixed.value = next;
      },
      () => (effectFailed.value = 'microphone'),
    );
  });

  const stopMeter = effect(() => {
    const track = microphone.raw.value;
    if (!track) return undefined;
    const m = (options.meter ?? meter)(track, (value) => {
      heard.value = value;
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
    sound: computed(() => mixed.value?.track ?? microphone.track.value),
    sharing,
    canShare: 'getDisplayMedia' in media,
    ...processing,
    background,
    effectFailed,
    resolution,
    speakers,
    speaker,
    level: computed(() => (microphone.state.value === 'on' ? heard.value : 0)),
    heard,
    news,
    preview: streamOf(camera.track),
    // A whole screen shows this page, and this page the screen: one of them has to go without.
    screenPreview: streamOf(computed(() => (screenTrack.value?.getSettings().displaySurface === 'monitor' ? null : screenTrack.value))),
    setMicrophone: microphone.set,
    setCamera: camera.set,
    setScreen,
    async silence() {
      end(screenSound.value);
      screenSound.value = null;
      await microphone.set(false);
    },
    async setSharing(what) {
      sharing.value = what;
      keep('sharing', what);
      const track = screenTrack.value;
      if (!track) return;
      tuneScreen(track);
      await track.applyConstraints({ frameRate: { ideal: frameRates[what], max: 30 } }).catch(() => undefined);
    },
    async choose(kind, id) {
      if (kind === 'microphone') await microphone.choose(id);
      else if (kind === 'camera') await camera.choose(id);
      else {
        speaker.value = id;
        keep('speaker', id);
      }
    },
    async setProcessing(what, on) {
      if (processing[what].value === on) return;
      processing[what].value = on;
      keep(what, on ? 'on' : 'off');
      // Browsers settle this when a microphone is opened.
      if (what !== 'onlyVoice') await microphone.reopen();
      else if (!(await microphone.treatAgain())) onlyVoiceOff();
    },
    async setBackground(what) {
      const before = background.value;
      if (before === what) return;
      background.value = what;
      effectFailed.value = null;
      if (await camera.treatAgain()) {
        keep('background', what);
        return;
      }
      background.value = before;
      effectFailed.value = 'camera';
    },
    async setResolution(height) {
      if (resolution.value === height) return;
      resolution.value = height;
      keep('resolution', String(height));
      await camera.reopen();
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
      stopMixing();
    },
  };
}

function streamOf(track: ReadonlySignal<MediaStreamTrack | null>): ReadonlySignal<MediaStream | null> {
  return computed(() => (track.value ? new MediaStream([track.value]) : null));
}

/** What is new in a list whose devices had names before; names come with the permission only. */
function arrived(before: readonly Device[], now: readonly Device[]): Device | undefined {
  if (!before.some((d) => d.label !== '')) return undefined;
  return now.find((d) => d.label !== '' && !before.some((b) => b.id === d.id));
}

function update(list: Signal<readonly Device[]>, now: readonly Device[]): void {
  const same = list.value.length === now.length && now.every((d, i) => d.id === list.value[i]?.id && d.label === list.value[i]?.label);
  if (!same) list.value = now;
}
