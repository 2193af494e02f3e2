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
    return this.tracks;
  }
}

class FakeMedia extends EventTarget {
  devices: { kind: string; deviceId: string; label: string }[] = [
    { kind: 'audioinput', deviceId: 'm1', label: 'Built-in' },
    { kind: 'audioinput', deviceId: 'default', label: 'Default' },
    { kind: 'videoinput', deviceId: 'c1', label: 'Webcam' },
  ];
  opened: FakeTrack[] = [];
  failure: Error | null = null;
  enumerateDevices = async () => this.devices;
  getUserMedia = async (c: { audio?: { deviceId?: { exact: string } }; video?: { deviceId?: { exact: string } } }) => {
    if (this.failure) throw this.failure;
    const kind = c.audio ? 'audio' : 'video';
    const id = (c.audio ?? c.video)?.deviceId?.exact ?? 'default';
    if (id !== 'default' && !this.devices.some((d) => d.deviceId === id)) throw new DOMException('no', 'OverconstrainedError');
    const track = new FakeTrack(kind, id);
    this.opened.push(track);
    return new FakeStream([track]);
  };
  getDisplayMedia = async () => {
    if (this.failure) throw this.failure;
    const track = new FakeTrack('video', 'screen');
    this.opened.push(track);
    return new FakeStream([track]);
  };
}

beforeAll(() => {
  vi.stubGlobal('MediaStream', FakeStream);
});

function setUp(store?: Store): { media: FakeMedia; devices: LocalDevices; levels: ((level: number) => void)[] } {
  const media = new FakeMedia();
  const levels: ((level: number) => void)[] = [];
  const devices = createDevices({
    media: media as unknown as MediaDevices,
    resolution: 720,
    meter: (_track, onLevel) => {
      levels.push(onLevel);
      return { stop: () => onLevel(0) };
    },
    ...(store ? { store } : {}),
  });
  return { media, devices, levels };
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
