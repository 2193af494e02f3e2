// Puts a meeting together from this browser's parts. The page calls openDevices for its first screen
// and openMeeting when the person wants to go in.

import { signal, type Signal } from '@preact/signals-core';

import { readConfig, type Config } from '../../config/config.ts';
import { createDevices, type LocalDevices } from '../../rtc/devices.ts';
import { effects } from '../../rtc/effects/effects.ts';
import { createPeer } from '../../rtc/peer.ts';
import { createConnection } from '../../xmpp/connection.ts';
import { diagnostics, type Diagnostics } from './diagnostics.ts';
import { createMeeting } from './meeting.ts';
import { qualities, type PictureQuality } from './pictureQuality.ts';
import type { LocalMedia, Meeting } from './types.ts';

declare global {
  interface Window {
    /** Defined by /config.js. */
    readonly config?: unknown;
    /** Read-only view of the meeting, see diagnostics.ts. */
    meetbox?: Diagnostics;
  }
}

/** Whether this browser and this page can hold a meeting at all. */
export function supported(): boolean {
  return 'RTCPeerConnection' in window && navigator.mediaDevices !== undefined && crypto.subtle !== undefined;
}

/** Throws ConfigError when /config.js did not say what is needed. */
export function openConfig(): Config {
  return readConfig(window.config, location.origin, location.search);
}

/** localStorage, or nothing where a browser forbids it. */
function storage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

export function openDevices(config: Config): LocalDevices & LocalMedia {
  const store = storage();
  return createDevices({ media: navigator.mediaDevices, resolution: config.resolution, effects, ...(store ? { store } : {}) });
}

const known = ['vp8', 'vp9', 'h264', 'av1'];

function codecs(): string[] {
  const names = RTCRtpReceiver.getCapabilities('video')?.codecs.map((c) => c.mimeType.toLowerCase().replace('video/', '')) ?? [];
  return known.filter((n) => names.includes(n));
}

function hex(digits: number): string {
  return [...crypto.getRandomValues(new Uint8Array(digits / 2))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

// Tells the conference service that two sessions are the same browser.
function machineUid(): string {
  const store = storage();
  const have = store?.getItem('meetbox.machine') ?? '';
  if (/^[0-9a-f]{32}$/.test(have)) return have;
  const fresh = hex(32);
  store?.setItem('meetbox.machine', fresh);
  return fresh;
}

function keptQuality(): Signal<PictureQuality> {
  const store = storage();
  const kept = qualities.find((q) => q === store?.getItem('meetbox.quality'));
  const quality = signal<PictureQuality>(kept ?? 'high');
  quality.subscribe((q) => store?.setItem('meetbox.quality', q));
  return quality;
}

/** A meeting in the phase `idle`. The devices become its own and end with it. */
export function openMeeting(room: string, config: Config, devices: LocalDevices): Meeting {
  const meeting = createMeeting({
    room,
    config,
    devices,
    pictureQuality: keptQuality(),
    codecs: codecs(),
    connect: createConnection,
    makePeer: createPeer,
    fetch: (...args) => fetch(...args),
    online: () => navigator.onLine,
    statsId: `meetbox-${hex(16)}`,
    machineUid: machineUid(),
    newId: () => hex(32),
    loadTogether: () => import('./together/together.ts'),
  });
  window.addEventListener('online', () => meeting.networkChanged());
  // From one network to another without a moment between; only some browsers say so.
  if ('connection' in navigator) (navigator.connection as EventTarget).addEventListener('change', () => meeting.networkChanged());
  // A tab that is closed should not stand around in the meeting until the server notices.
  window.addEventListener('pagehide', (event) => {
    if (!event.persisted) meeting.leave();
  });
  window.meetbox = diagnostics(meeting, meeting.inside);
  return meeting;
}
