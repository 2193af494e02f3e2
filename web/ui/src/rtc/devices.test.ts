import { beforeAll, expect, test, vi } from 'vitest';

import { createDevices, problemOf, type LocalDevices, type Store } from './devices.ts';

class FakeTrack extends EventTarget {
  enabled = true;
  stopped = false;
  onended: (() => void) | null = null;
  contentHint = '';
  readonly kind: string;
  readonly device: string;
  constructor(kind: string, device: string) {
    super();
    this.kind = kind;
    this.device = device;
  }
  stop(): void {
    this.stopped = true;
  }
  clone(): FakeTrack {
    return new FakeTrack(this.kind, this.device);
  }
  getSettings(): object {
    return {};
  }
  readonly applied: unknown[] = [];
  async applyConstraints(wanted: unknown): Promise<void> {
    this.applied.push(wanted);
  }
}

class FakeStream {
  readonly tracks: FakeTrack[];
  constructor(tracks: FakeTrack[]) {
    this.tracks = tracks;
  }
  getTracks(): FakeTrack[] {
    return this.tracks;
  }
  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter((t) => t.kind === 'video');
  }
  getAudioTracks(): FakeTrack[] {
    return this.tracks.filter((t) => t.kind === 'audio');
  }
}

class FakeMedia extends EventTarget {
  devices: { kind: string; deviceId: string; label: string }[] = [
    { kind: 'audioinput', deviceId: 'm1', label: 'Built-in' },
    { kind: 'audioinput', deviceId: 'default', label: 'Default' },
    { kind: 'videoinput', deviceId: 'c1', label: 'Webcam' },
  ];
  opened: FakeTrack[] = [];
  /** The height that was asked for last. */
  height = 0;
  failure: Error | null = null;
  enumerateDevices = async () => this.devices;
  getUserMedia = async (c: { audio?: { deviceId?: { exact: string } }; video?: { deviceId?: { exact: string }; height?: { ideal: number } } }) => {
    if (this.failure) throw this.failure;
    this.height = c.video?.height?.ideal ?? this.height;
    const kind = c.audio ? 'audio' : 'video';
    const id = (c.audio ?? c.video)?.deviceId?.exact ?? 'default';
    if (id !== 'default' && !this.devices.some((d) => d.deviceId === id)) throw new DOMException('no', 'OverconstrainedError');
    const track = new FakeTrack(kind, id);
    this.opened.push(track);
    return new FakeStream([track]);
  };
  screenSound = false;
  getDisplayMedia = async () => {
    if (this.failure) throw this.failure;
    const tracks = [new FakeTrack('video', 'screen'), ...(this.screenSound ? [new FakeTrack('audio', 'screen')] : [])];
    this.opened.push(...tracks);
    return new FakeStream(tracks);
  };
}

beforeAll(() => {
  vi.stubGlobal('MediaStream', FakeStream);
});

/** Effects that mark what they made, and can be out of order. */
class FakeEffects {
  failure: Error | null = null;
  readonly made: FakeTrack[] = [];
  readonly #make = async (what: string) => {
    if (this.failure) throw this.failure;
    const track = new FakeTrack(what, what);
    this.made.push(track);
    return { track: track as unknown as MediaStreamTrack, stop: () => track.stop() };
  };
  voice = () => this.#make('voice');
  background = (_raw: MediaStreamTrack, what: string) => this.#make(what);
  mix = (tracks: readonly MediaStreamTrack[]) => this.#make(`mix of ${tracks.length}`);
}

function setUp(store?: Store): { media: FakeMedia; devices: LocalDevices; effects: FakeEffects; levels: ((level: number) => void)[] } {
  const effects = new FakeEffects();
  const media = new FakeMedia();
  const levels: ((level: number) => void)[] = [];
  const devices = createDevices({
    media: media as unknown as MediaDevices,
    resolution: 720,
    effects,
    meter: (_track, onLevel) => {
      levels.push(onLevel);
      return { stop: () => onLevel(0) };
    },
    ...(store ? { store } : {}),
  });
  return { media, devices, effects, levels };
}

test('a camera is off, pending, on, and really off again', async () => {
  const { media, devices } = setUp();
  expect(devices.camera.state.value).toBe('off');
  const going = devices.setCamera(true);
  expect(devices.camera.state.value).toBe('pending');
  await going;
  expect(devices.camera.state.value).toBe('on');
  expect(devices.preview.value).not.toBeNull();
  await devices.setCamera(false);
  expect(media.opened[0]?.stopped).toBe(true);
  expect(devices.preview.value).toBeNull();
  devices.dispose();
});

test('a muted microphone stays open but sends nothing and is not heard by the meter', async () => {
  const { media, devices, levels } = setUp();
  await devices.setMicrophone(true);
  levels[0]?.(0.5);
  expect(devices.level.value).toBe(0.5);
  await devices.setMicrophone(false);
  expect(devices.level.value).toBe(0);
  expect(devices.microphone.track.value).toBeNull();
  expect(media.opened[0]).toMatchObject({ stopped: false, enabled: false });
  await devices.setMicrophone(true);
  expect(media.opened).toHaveLength(1);
  expect(media.opened[0]?.enabled).toBe(true);
  devices.dispose();
  expect(media.opened[0]?.stopped).toBe(true);
});

test('only the last wish counts', async () => {
  const { media, devices } = setUp();
  const on = devices.setCamera(true);
  await devices.setCamera(false);
  await on;
  expect(devices.camera.state.value).toBe('off');
  expect(media.opened.every((t) => t.stopped)).toBe(true);
  devices.dispose();
});

test('what goes wrong is told, and cleared by the next success', async () => {
  const { media, devices } = setUp();
  for (const [name, problem] of [
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['TypeError', 'failed'],
  ] as const) {
    media.failure = new DOMException('x', name);
    await devices.setCamera(true);
    expect([devices.camera.state.value, devices.camera.problem.value]).toEqual(['off', problem]);
  }
  media.failure = null;
  await devices.setCamera(true);
  expect(devices.camera.problem.value).toBeNull();
  expect(problemOf('no error at all')).toBe('failed');
  devices.dispose();
});

test('a chosen device is remembered; one that is not there is replaced by the default', async () => {
  const kept = new Map<string, string>();
  const store = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v) };
  const first = setUp(store);
  await first.devices.setMicrophone(true);
  await first.devices.choose('microphone', 'm1');
  expect(first.media.opened.map((t) => t.device)).toEqual(['default', 'm1']);
  expect(first.media.opened[0]?.stopped).toBe(true);
  first.devices.dispose();

  const second = setUp(store);
  second.media.devices = [];
  expect(second.devices.microphone.chosen.value).toBe('m1');
  await second.devices.setMicrophone(true);
  expect(second.media.opened.map((t) => t.device)).toEqual(['default']);
  second.devices.dispose();
});

test('devices that come and go', async () => {
  const { media, devices } = setUp();
  await devices.refresh();
  expect(devices.microphone.devices.value).toEqual([{ id: 'm1', label: 'Built-in' }]);
  await devices.setCamera(true);
  media.devices = [...media.devices, { kind: 'videoinput', deviceId: 'c2', label: 'USB' }];
  media.dispatchEvent(new Event('devicechange'));
  await vi.waitFor(() => expect(devices.camera.devices.value.map((d) => d.id)).toEqual(['c1', 'c2']));
  // Pulled out while in use: the default one takes over.
  media.opened[0]?.onended?.();
  await vi.waitFor(() => expect(devices.camera.state.value).toBe('on'));
  expect(media.opened).toHaveLength(2);
  devices.dispose();
});

test('sharing a screen, and ending it with the browser’s own button', async () => {
  const { media, devices } = setUp();
  expect(await devices.setScreen(true)).toBe(true);
  expect(devices.screen.value).toBe('on');
  media.opened[0]?.onended?.();
  expect(devices.screen.value).toBe('off');
  media.failure = new DOMException('x', 'NotAllowedError');
  expect(await devices.setScreen(true)).toBe(false);
  media.failure = new DOMException('x', 'NotReadableError');
  await expect(devices.setScreen(true)).rejects.toThrow('x');
  expect(devices.screen.value).toBe('off');
  devices.dispose();
});

test('what is plugged in is offered, a headset once; what vanishes is not', async () => {
  const { media, devices } = setUp();
  await devices.setMicrophone(true);
  await devices.refresh();
  expect(devices.news.value).toBeNull();
  const before = media.devices;
  media.devices = [...before, { kind: 'audioinput', deviceId: 'h1', label: 'Headset' }, { kind: 'audiooutput', deviceId: 'h2', label: 'Headset' }];
  media.dispatchEvent(new Event('devicechange'));
  await vi.waitFor(() => expect(devices.news.value).toEqual({ kind: 'microphone', what: 'arrived', device: { id: 'h1', label: 'Headset' } }));
  await devices.choose('microphone', 'h1');
  expect(media.opened.at(-1)?.device).toBe('h1');
  // Pulled out again, while in use.
  media.devices = before;
  media.opened.at(-1)?.onended?.();
  await vi.waitFor(() => expect(devices.news.value).toMatchObject({ kind: 'microphone', what: 'replaced' }));
  expect([devices.microphone.state.value, devices.microphone.chosen.value]).toEqual(['on', '']);
  devices.dispose();
});

test('what is muted is heard by the hints, and by nobody else', async () => {
  const { media, devices, levels } = setUp();
  await devices.setMicrophone(true);
  await devices.setMicrophone(false);
  levels[0]?.(0.7);
  expect([devices.heard.value, devices.level.value, devices.microphone.track.value]).toEqual([0.7, 0, null]);
  devices.dispose();
  expect(devices.heard.value).toBe(0);
  expect(media.opened.every((t) => t.stopped)).toBe(true);
});

test('a background takes the place of the camera’s own picture, also when it is remembered', async () => {
  const kept = new Map<string, string>();
  const store = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v) };
  const first = setUp(store);
  await first.devices.setCamera(true);
  expect(first.devices.camera.track.value).toBe(first.media.opened[0]);
  await first.devices.setBackground('blur');
  expect(first.devices.camera.track.value).toBe(first.effects.made[0]);
  await first.devices.setBackground('dawn');
  expect([first.effects.made[0]?.stopped, first.devices.camera.track.value]).toEqual([true, first.effects.made[1]]);
  await first.devices.setBackground('none');
  expect([first.effects.made[1]?.stopped, first.devices.camera.track.value]).toEqual([true, first.media.opened[0]]);
  await first.devices.setBackground('blur');
  first.devices.dispose();
  expect(first.effects.made.every((t) => t.stopped)).toBe(true);

  const second = setUp(store);
  const seen: unknown[] = [];
  second.devices.camera.track.subscribe((t) => seen.push(t));
  await second.devices.setCamera(true);
  expect(seen, 'never without it').toEqual([null, second.effects.made[0]]);
  second.devices.dispose();
});

test('nobody is seen without the background that they chose', async () => {
  const { media, devices, effects } = setUp({ getItem: (k) => (k === 'meetbox.background' ? 'blur' : null), setItem: () => undefined });
  effects.failure = new Error('the model is not there');
  await devices.setCamera(true);
  expect([devices.camera.state.value, devices.camera.track.value, devices.effectFailed.value]).toEqual(['off', null, 'camera']);
  expect(media.opened.every((t) => t.stopped)).toBe(true);
  // Who switches it on now has been told.
  await devices.setCamera(true);
  expect([devices.camera.state.value, devices.background.value]).toEqual(['on', 'none']);
  await devices.setBackground('dawn');
  expect([devices.background.value, devices.camera.track.value]).toEqual(['none', media.opened.at(-1)]);
  devices.dispose();
});

test('only voices: on, off, and off by itself where it cannot be had', async () => {
  const { media, devices, effects } = setUp();
  await devices.setMicrophone(true);
  await devices.setProcessing('onlyVoice', true);
  expect(devices.sound.value).toBe(effects.made[0]);
  await devices.setMicrophone(false);
  expect(devices.sound.value).toBeNull();
  await devices.setMicrophone(true);
  expect(devices.sound.value).toBe(effects.made[0]);
  await devices.setProcessing('onlyVoice', false);
  expect([devices.sound.value, media.opened.length]).toEqual([media.opened[0], 1]);
  effects.failure = new Error('no');
  await devices.setProcessing('onlyVoice', true);
  expect([devices.onlyVoice.value, devices.effectFailed.value, devices.sound.value]).toEqual([false, 'microphone', media.opened[0]]);
  devices.dispose();
});

test('a shared sound is heard with the microphone and without', async () => {
  const { media, devices, effects } = setUp();
  media.screenSound = true;
  await devices.setMicrophone(true);
  await devices.setScreen(true);
  await vi.waitFor(() => expect(devices.sound.value).toBe(effects.made[0]));
  expect(effects.made[0]?.device).toBe('mix of 2');
  await devices.setMicrophone(false);
  await vi.waitFor(() => expect((devices.sound.value as unknown as FakeTrack).device).toBe('mix of 1'));
  await devices.silence();
  expect([devices.sound.value, devices.screen.value]).toEqual([null, 'on']);
  await devices.setScreen(false);
  expect(devices.sound.value).toBeNull();
  expect([...effects.made, ...media.opened.filter((t) => t.device === 'screen')].every((t) => t.stopped)).toBe(true);
  devices.dispose();
});

test('what is shared is for reading or for watching, also while it is shared', async () => {
  const { media, devices } = setUp();
  await devices.setScreen(true);
  expect(media.opened[0]?.contentHint).toBe('detail');
  await devices.setSharing('motion');
  expect([media.opened[0]?.contentHint, media.opened[0]?.applied]).toEqual(['motion', [{ frameRate: { ideal: 30, max: 30 } }]]);
  devices.dispose();
});

test('the camera’s resolution is chosen and remembered', async () => {
  const kept = new Map<string, string>();
  const store = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v) };
  const first = setUp(store);
  await first.devices.setCamera(true);
  expect(first.media.height).toBe(720);
  await first.devices.setResolution(360);
  expect([first.media.height, first.media.opened.length, first.media.opened[0]?.stopped, first.devices.camera.state.value]).toEqual([360, 2, true, 'on']);
  first.devices.dispose();
  const second = setUp(store);
  await second.devices.setCamera(true);
  expect(second.media.height).toBe(360);
  second.devices.dispose();
});
