// What a view may read of a meeting and ask of it. State comes as signals, so a view binds a level
// meter to one attribute without rendering anything again; actions return promises only where a
// person has to be told how it ended. Nothing here knows of the DOM beyond MediaStream.

import type { ReadonlySignal, Signal } from '@preact/signals-core';

import type { DeviceNews, Sharing } from '../../rtc/devices.ts';

import type { LogInResult } from './host.ts';
import type { PictureQuality } from './pictureQuality.ts';
import type { Quality } from './quality.ts';
import type { Together } from './together/together.ts';

export type MediaKind = 'microphone' | 'camera' | 'speaker';

/** Why a meeting could not be entered, or ended without the person wanting it. */
export type Failure =
  | 'unreachable' // no connection to the box, and none came back
  | 'refused' // the box did not let us log in or join
  | 'denied' // a moderator did not let us in
  | 'full' // the room has its maximum of people
  | 'no-focus' // the service that runs conferences is not there
  | 'unsupported' // this browser cannot do WebRTC, or the page is not served over HTTPS
  | 'internal';

/** Why we wait in front of the door. */
export type Waiting = 'host' | 'lobby' | 'password';

/** Why the connection is being made again; the view puts it into words. */
export type Interruption =
  | 'network'
  | 'server'
  | 'box'
  | 'media'
  | 'moving'; // into another room of the meeting

export type Phase =
  | { readonly at: 'idle' }
  | { readonly at: 'connecting' }
  /** wrong: the password that was given last was not the one; slow: none, and so not the one that was typed, is looked at for so many seconds. */
  | { readonly at: 'waiting'; readonly why: Waiting; readonly wrong?: boolean; readonly slow?: { readonly seconds: number; readonly typed: string } }
  | { readonly at: 'joined' }
  | { readonly at: 'reconnecting'; readonly why: Interruption; readonly since: number }
  | { readonly at: 'left'; readonly why: 'self' | 'kicked' | 'ended'; readonly by?: string; readonly text?: string }
  | { readonly at: 'failed'; readonly why: Failure; readonly text?: string };

/** How well a participant is reached. `interrupted`: their media stopped though it should flow. */
export type Reach = 'good' | 'interrupted';

/** Which of a participant's two pictures. */
export type Picture = 'camera' | 'screen';

/** One person (or device) in the room. The object stays the same from joining to leaving. */
export interface Participant {
  /** Stays the same from joining to leaving, also across reconnecting; `me` for ourselves. */
  readonly id: string;
  readonly local: boolean;
  /** Empty when the person gave none. */
  readonly name: ReadonlySignal<string>;
  readonly moderator: ReadonlySignal<boolean>;
  readonly audioMuted: ReadonlySignal<boolean>;
  readonly videoMuted: ReadonlySignal<boolean>;
  readonly sharing: ReadonlySignal<boolean>;
  /** Loudness now, 0 to 1, about ten times a second while there is sound. */
  readonly level: ReadonlySignal<number>;
  /** Null while there is no picture to show (muted, not wanted by the layout, not there yet). */
  readonly camera: ReadonlySignal<MediaStream | null>;
  readonly screen: ReadonlySignal<MediaStream | null>;
  readonly reach: ReadonlySignal<Reach>;
  /** Milliseconds since 1970 when the hand went up, 0 when it is down. */
  readonly raisedHand: ReadonlySignal<number>;
  /** How well their line does by their own account: 0 to 100, and 100 until they say so. */
  readonly quality: ReadonlySignal<number>;
  /** Records the meeting on their own machine. */
  readonly recording: ReadonlySignal<boolean>;
}

export interface Device {
  readonly id: string;
  readonly label: string;
  /** The same for the parts of one thing, such as a headset; '' or absent where the browser does not tell. */
  readonly group?: string;
}

/** `pending`: asked for, the browser (or the person in its permission dialog) has not answered. */
export type SourceState = 'off' | 'pending' | 'on';

/** Why a microphone or camera could not be switched on; cleared by the next success. */
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'failed';

/** A microphone or a camera. */
export interface Source {
  readonly state: ReadonlySignal<SourceState>;
  readonly problem: ReadonlySignal<DeviceProblem | null>;
  /** Labels are empty until the person allowed access once. */
  readonly devices: ReadonlySignal<readonly Device[]>;
  /** Id of the device in use or wanted, '' for the system's default. */
  readonly chosen: ReadonlySignal<string>;
}

/** Local devices. It lives longer than a meeting: the pre-join page uses it first. */
export interface LocalMedia {
  readonly microphone: Source;
  readonly camera: Source;
  readonly screen: ReadonlySignal<SourceState>;
  /** Whether the browser can share a screen at all (phones cannot). */
  readonly canShare: boolean;
  readonly echoCancellation: ReadonlySignal<boolean>;
  readonly noiseSuppression: ReadonlySignal<boolean>;
  /** Whether RNNoise leaves nothing but voices. */
  readonly onlyVoice: ReadonlySignal<boolean>;
  /** What is behind us: `none`, `blur`, the name of a drawn background or of an own picture. */
  readonly background: ReadonlySignal<string>;
  /** A background or `onlyVoice` could not be had. */
  readonly effectFailed: Signal<'microphone' | 'camera' | null>;
  /** Height of the camera's picture to ask for. */
  readonly resolution: ReadonlySignal<number>;
  /** What is shared: letters or moving pictures. */
  readonly sharing: ReadonlySignal<Sharing>;
  /** Something was plugged in or replaced; the view sets it to null when that was dealt with. */
  readonly news: Signal<DeviceNews | null>;
  /** Loudness of what the microphone hears, 0 to 1, also while it is muted. */
  readonly heard: ReadonlySignal<number>;
  /** Our own sound as it is sent, for recording. */
  readonly sound: ReadonlySignal<MediaStreamTrack | null>;
  /** Speakers can be chosen only where the browser lets a page do so; otherwise the list is empty. */
  readonly speakers: ReadonlySignal<readonly Device[]>;
  readonly speaker: ReadonlySignal<string>;
  /** The microphone's loudness, 0 to 1; 0 while it is off. */
  readonly level: ReadonlySignal<number>;
  /** What our own camera sees, for the preview and the own tile. */
  readonly preview: ReadonlySignal<MediaStream | null>;

  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  choose(kind: MediaKind, deviceId: string): Promise<void>;
  setProcessing(what: 'echoCancellation' | 'noiseSuppression' | 'onlyVoice', on: boolean): Promise<void>;
  setBackground(what: string): Promise<void>;
  setResolution(height: number): Promise<void>;
  setSharing(what: Sharing): Promise<void>;
  /** Looks at the devices again; hot-plugging is noticed by itself. */
  refresh(): Promise<void>;
  dispose(): void;
}

/** Somebody as they were called at the time; they may have left since. */
export interface ChatPerson {
  readonly id: string;
  readonly name: string;
}

export interface ChatReaction {
  readonly emoji: string;
  readonly by: readonly ChatPerson[];
  readonly own: boolean;
}

export interface ChatMessage {
  readonly id: string;
  /** Id of the sender. */
  readonly from: string;
  /** Name at the time of sending; the sender may have left since. */
  readonly name: string;
  readonly own: boolean;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Set for a private message: the other one. */
  readonly private: ChatPerson | null;
  /** Id of the message that it answers, '' for none. */
  readonly replyTo: string;
  readonly reactions: readonly ChatReaction[];
  /** Its author took it back. */
  readonly retracted: boolean;
  /** An own message the room has not reflected yet, or that it refused. */
  readonly delivery: 'sent' | 'sending' | 'refused';
}

/** Somebody who waits to be let in. */
export interface Knocker {
  readonly id: string;
  readonly name: string;
}

/** Something the person should be told once. The view words it, and removes it with `dismiss`. */
export type NoticeKind =
  | { readonly kind: 'joined'; readonly name: string }
  | { readonly kind: 'left'; readonly name: string }
  | { readonly kind: 'muted-by'; readonly name: string; readonly media: 'audio' | 'video' | 'screen' }
  | { readonly kind: 'moderator' } // we became moderator
  | { readonly kind: 'start-muted'; readonly media: 'audio' | 'video' }
  | { readonly kind: 'no-bridge' } // nothing can forward media at the moment
  | { readonly kind: 'share-failed' }
  | { readonly kind: 'poll'; readonly name: string; readonly text: string }
  | { readonly kind: 'file'; readonly name: string; readonly file: string }
  | { readonly kind: 'moderation'; readonly medium: 'audio' | 'video'; readonly on: boolean }
  | { readonly kind: 'allowed'; readonly medium: 'audio' | 'video'; readonly allowed: boolean }
  | { readonly kind: 'not-allowed'; readonly medium: 'audio' | 'video' } // we wanted to, and a moderator has to let us
  | { readonly kind: 'moved'; readonly room: string } // '' is the main room
  | { readonly kind: 'refused'; readonly text: string }; // the server refused an action

export type Notice = NoticeKind & { readonly id: number; readonly time: number };

/** A remote sound to be played. Render one <audio> per entry, keyed by id, on the chosen speaker. */
export interface RemoteAudio {
  readonly id: string;
  readonly stream: MediaStream;
}

/** A picture the view shows now, with its height in device pixels. */
export interface Shown {
  readonly participant: string;
  readonly picture: Picture;
  readonly height: number;
  /** The big one: gets bandwidth first. */
  readonly stage?: boolean;
}

export interface Meeting {
  readonly room: string;
  readonly phase: ReadonlySignal<Phase>;
  readonly media: LocalMedia;
  readonly me: Participant;
  /** Everybody, we first, then in the order of joining. */
  readonly participants: ReadonlySignal<readonly Participant[]>;
  /** Id of who speaks or spoke last; null before anybody did. */
  readonly dominantSpeaker: ReadonlySignal<string | null>;
  readonly audio: ReadonlySignal<readonly RemoteAudio[]>;
  readonly chat: ReadonlySignal<readonly ChatMessage[]>;
  readonly unread: ReadonlySignal<number>;
  readonly notices: ReadonlySignal<readonly Notice[]>;
  /** The room's subject as moderators set it, '' when it has none. */
  readonly subject: ReadonlySignal<string>;
  /** Milliseconds since 1970 when the meeting began, for the timer; null until it is known. */
  readonly startedAt: ReadonlySignal<number | null>;
  /** How much picture we ask for and send. */
  readonly pictureQuality: ReadonlySignal<PictureQuality>;

  /** How our connection does. */
  readonly quality: Quality;
  /** Nothing comes from the bridge: the others' pictures stand still. */
  readonly frozen: ReadonlySignal<boolean>;
  /** The box has too much to do, and sends less video than is asked for. */
  readonly thinned: ReadonlySignal<boolean>;

  /** Whether the room has a password. */
  readonly locked: ReadonlySignal<boolean>;
  /** Whether people wait until a moderator lets them in. */
  readonly lobby: ReadonlySignal<boolean>;
  /** Who waits, the first one first; for moderators only. */
  readonly knocking: ReadonlySignal<readonly Knocker[]>;
  /** Polls, files and what else is loaded when the meeting has begun; null until then. */
  readonly together: ReadonlySignal<Together | null>;

  join(name: string): void;
  /** Answers the phase `waiting` for a password. */
  enterPassword(password: string): void;
  /** Answers the phase `waiting` for a host: we are one. */
  logIn(name: string, password: string): Promise<LogInResult>;
  leave(): void;
  setName(name: string): void;
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  chooseDevice(kind: MediaKind, deviceId: string): Promise<void>;
  shareScreen(on: boolean): Promise<void>;
  setHand(up: boolean): void;
  setPictureQuality(quality: PictureQuality): void;
  /** Tells the others that we record, or do no more. */
  setRecording(on: boolean): void;
  /** To everybody, or to one participant; replyTo is the id of the message that it answers. */
  sendChat(text: string, to?: string, replyTo?: string): void;
  /** Adds a reaction of ours to a message. */
  reactToChat(message: string, emoji: string): void;
  /** Takes an own message back. */
  retractChat(message: string): void;
  /** The chat is on screen (or not any more): while it is, nothing counts as unread. */
  readingChat(open: boolean): void;
  /** What the view shows now; call it whenever that changes. */
  show(pictures: readonly Shown[]): void;
  dismiss(notice: number): void;

  // Moderators only; the server refuses others.
  mute(participant: string, media: 'audio' | 'video' | 'screen'): Promise<void>;
  kick(participant: string): Promise<void>;
  grantModerator(participant: string): Promise<void>;
  /** '' takes the password away. */
  setPassword(password: string): Promise<void>;
  setLobby(on: boolean): Promise<void>;
  admit(knocker: string): void;
  turnAway(knocker: string): Promise<void>;
}
