// What a meeting is made of: the parts of the browser and of this page that it uses, so that tests can
// bring their own.

import type { Signal } from '@preact/signals-core';

import type { Config } from '../../config/config.ts';
import type { LocalDevices } from '../../rtc/devices.ts';
import type { Peer, PeerOptions } from '../../rtc/peer.ts';
import type { Connection, Options as ConnectionOptions } from '../../xmpp/connection.ts';
import type { PictureQuality } from './pictureQuality.ts';
import type { Together } from './together/together.ts';
import type { Wire } from './wire.ts';

export interface MeetingOptions {
  /** As in the link; what a JID does not allow is replaced. */
  readonly room: string;
  readonly config: Config;
  readonly devices: LocalDevices;
  /** How much picture to ask for and to send; changed by the person only. */
  readonly pictureQuality?: Signal<PictureQuality>;
  /** Names of codecs this browser decodes, best first. */
  readonly codecs: readonly string[];
  readonly connect: (options: ConnectionOptions) => Connection;
  readonly makePeer: (options: PeerOptions) => Peer;
  readonly fetch: typeof fetch;
  /** Whether the device has a network, as the browser says. */
  readonly online: () => boolean;
  /** Random per page, for recognising each other after reconnecting. */
  readonly statsId: string;
  readonly machineUid: string;
  readonly newId: () => string;
  /** Loads what is not needed before the meeting has begun. */
  readonly loadTogether: () => Promise<{ createTogether(wire: Wire): Together }>;
}

/** What diagnostics may look at beyond the meeting itself. */
export interface Inside {
  readonly endpoint: () => string;
  readonly media: () => string;
  readonly stats: () => Promise<readonly RTCStatsReport[]>;
}
