// The meeting as the view sees it: puts the room, the media session, the roster and the local devices
// together. Everything that happens here is a consequence of a stanza, a message of the bridge, a
// device, or something the person did.

import { batch, computed, effect, signal, untracked } from '@preact/signals-core';

import { sameFront, type Config } from '../../config/config.ts';
import type { LocalDevices } from '../../rtc/devices.ts';
import { receiverMeter, type Meter } from '../../rtc/level.ts';
import type { Peer, PeerOptions } from '../../rtc/peer.ts';
import type { BridgeMessage } from '../../xmpp/colibri.ts';
import { printVideoConstraints, printVideoType } from '../../xmpp/colibri.ts';
import type { Connection, Options as ConnectionOptions } from '../../xmpp/connection.ts';
import { bare, roomNode } from '../../xmpp/jid.ts';
import type { RoomMessage } from '../../xmpp/message.ts';
import { ns } from '../../xmpp/ns.ts';
import type { Departure, Occupant, Profile } from '../../xmpp/presence.ts';
import { StanzaError } from '../../xmpp/stanza.ts';
import { el } from '../../xmpp/xml.ts';
import { createChat } from './chat.ts';
import { constraintsFor } from './constraints.ts';
import { createNotices } from './notices.ts';
import { createRoom, type Room } from './room.ts';
import { createRoster, pictureSource, type Member } from './roster.ts';
import { createSession } from './session.ts';
import type { Knocker, Meeting, Participant, Phase, Shown } from './types.ts';

export interface MeetingOptions {
  /** As in the link; what a JID does not allow is replaced. */
  readonly room: string;
  readonly config: Config;
  readonly devices: LocalDevices;
  /** Names of codecs this browser decodes, best first. */
  readonly codecs: readonly string[];
  readonly connect: (options: ConnectionOptions) => Connection;
  readonly makePeer: (options: PeerOptions) => Peer;
  readonly fetch: typeof fetch;
  /** Random per page, for recognising each other after reconnecting. */
  readonly statsId: string;
  readonly machineUid: string;
  readonly newId: () => string;
}

/** What diagnostics may look at beyond the meeting itself. */
export interface Inside {
  readonly endpoint: () => string;
  readonly media: () => string;
  readonly stats: () => Promise<readonly RTCStatsReport[]>;
}

/** How long those who have not shown up after a reconnect keep their tile. */
const settleTime = 5_000;

export function createMeeting(options: MeetingOptions): Meeting & { readonly inside: Inside; retryNow(): void } {
  const { config, devices } = options;
  const roomName = roomNode(options.room);
  const roomJid = `${roomName}@${config.muc}`;

  const phase = signal<Phase>({ at: 'idle' });
  const name = signal('');
  const raisedHand = signal(0);
  const moderator = signal(false);
  const dominantSpeaker = signal<string | null>(null);
  const subject = signal('');
  const locked = signal(false);
  const lobby = signal(false);
  const knocking = signal<readonly Knocker[]>([]);
  const startedAt = signal<number | null>(null);
  const shown = signal<readonly Shown[] | null>(null);
  const notices = createNotices();
  const chat = createChat();
  // A screen is announced before it is shown to others, and withdrawn after.
  const announcedScreen = signal(false);
  let bridgeMissing = false;
  let startMutedDone = false;
  let settleTimer: ReturnType<typeof setTimeout> | undefined;
  let meter: Meter | undefined;
  const stops: (() => void)[] = [];

  const session = createSession({
    makePeer: options.makePeer,
    tracks: { microphone: devices.microphone.track, camera: devices.camera.track, screen: devices.screenTrack },
    simulcast: config.simulcast,
    preferSctp: config.preferSctp,
    throughFront: (url) => sameFront(url, config.websocket),
    iceServers: () => room.iceServers.map((s) => ({ ...s })),
    endpoint: () => room.endpoint,
    jid: () => room.jid,
    request: (jingle) => room.toFocus(jingle),
    onBridge,
    onChannel: sendChannelState,
  });
  const roster = createRoster(session.find);

  const me: Participant = {
    id: 'me',
    local: true,
    name,
    moderator,
    audioMuted: computed(() => devices.microphone.state.value !== 'on'),
    videoMuted: computed(() => devices.camera.state.value !== 'on'),
    sharing: announcedScreen,
    level: devices.level,
    camera: devices.preview,
    screen: devices.screenPreview,
    reach: signal('good' as const),
    raisedHand,
  };

  const room: Room = createRoom({
    config,
    room: roomJid,
    machineUid: options.machineUid,
    connect: options.connect,
    fetch: options.fetch,
    handlers: {
      profile,
      entering(again) {
        if (!again) {
          phase.value = { at: 'connecting' };
          return;
        }
        reconnecting('server');
        session.detach();
        roster.expectAll();
      },
      waiting(why, wrong) {
        phase.value = { at: 'waiting', why, ...(wrong ? { wrong } : {}) };
      },
      entered,
      interrupted: reconnecting,
      resumed: settlePhase,
      failed(why, text) {
        end(text === '' ? { at: 'failed', why } : { at: 'failed', why, text });
      },
      present,
      left,
      focus(o) {
        if (o.bridgeNotAvailable && !bridgeMissing) notices.add({ kind: 'no-bridge' });
        bridgeMissing = o.bridgeNotAvailable;
      },
      message,
      jingle(action) {
        if (action.action === 'session-initiate') startMuted(action.startMuted);
        return session.handle(action);
      },
      muted(media, actor) {
        if (media === 'audio') void devices.setMicrophone(false);
        else if (media === 'video') void devices.setCamera(false);
        else void shareScreen(false);
        notices.add({ kind: 'muted-by', name: nameOf(actor), media });
      },
      started(at) {
        startedAt.value = at;
      },
      locked(on) {
        locked.value = on;
      },
      lobby(on) {
        lobby.value = on;
      },
      knocking(list) {
        // Who is let in shows up here before they leave there.
        knocking.value = list.filter((k) => !roster.members.peek().some((m) => m.jid === k.jid));
      },
    },
  });

  function nameOf(endpoint: string): string {
    return roster.byEndpoint(endpoint)?.name.peek() ?? '';
  }

  function profile(): Omit<Profile, 'caps'> {
    return untracked(() => ({
      name: name.value,
      statsId: options.statsId,
      codecs: options.codecs,
      raisedHand: raisedHand.value,
      sources: {
        [`${room.endpoint}-a0`]: { muted: me.audioMuted.value, screen: false },
        [`${room.endpoint}-v0`]: { muted: me.videoMuted.value, screen: false },
        ...(announcedScreen.value ? { [`${room.endpoint}-v1`]: { muted: false, screen: true } } : {}),
      },
    }));
  }

  function reconnecting(why: 'network' | 'server' | 'media'): void {
    const now = phase.peek();
    if (now.at === 'reconnecting') {
      if (now.why !== why) phase.value = { ...now, why };
    } else if (now.at === 'joined') phase.value = { at: 'reconnecting', why, since: Date.now() };
  }

  // Back to normal, unless media is still being repaired.
  function settlePhase(): void {
    if (phase.peek().at !== 'reconnecting') return;
    if (session.state.peek() === 'interrupted') reconnecting('media');
    else phase.value = { at: 'joined' };
  }

  function entered(o: Occupant): void {
    const nowModerator = o.role === 'moderator' || o.affiliation === 'owner';
    const before = phase.peek();
    batch(() => {
      if (nowModerator && !moderator.value && before.at === 'joined') notices.add({ kind: 'moderator' });
      moderator.value = nowModerator;
      if (before.at === 'connecting' || before.at === 'waiting') phase.value = { at: 'joined' };
      else if (before.at === 'reconnecting' && before.why !== 'media') settlePhase();
    });
    if (before.at === 'joined') return;
    clearTimeout(settleTimer);
    settleTimer = setTimeout(() => {
      for (const gone of roster.settle()) announceLeft(gone);
      if (roster.members.peek().length === 0) session.alone();
    }, settleTime);
    for (const m of chat.unconfirmed()) room.chat(m.id, m.text);
  }

  function present(o: Occupant): void {
    const { member, fresh } = roster.present(o);
    const at = phase.peek().at;
    // Those who are told before our own presence were here before us.
    if (fresh && at === 'joined') notices.add({ kind: 'joined', name: member.name.peek() });
  }

  function announceLeft(m: Member): void {
    notices.add({ kind: 'left', name: m.name.peek() });
    if (dominantSpeaker.peek() === m.id) dominantSpeaker.value = null;
  }

  function left(d: Departure): void {
    if (d.self || d.nick === room.endpoint) {
      const by = nameOf(d.actor);
      end({
        at: 'left',
        why: d.kicked ? 'kicked' : 'ended',
        ...(by === '' ? {} : { by }),
        ...(d.reason === '' ? {} : { text: d.reason }),
      });
      return;
    }
    const member = roster.leave(d.nick);
    session.leave(d.nick);
    if (member) announceLeft(member);
  }

  function message(m: RoomMessage): void {
    switch (m.kind) {
      case 'chat': {
        const own = m.nick === room.endpoint;
        const from = own ? me : roster.byEndpoint(m.nick);
        chat.received({
          id: m.id === '' ? options.newId() : m.id,
          from: from?.id ?? m.nick,
          name: from?.name.peek() ?? '',
          own,
          text: m.text,
          time: m.sent ?? Date.now(),
          private: m.private ? (from?.id ?? m.nick) : null,
        });
        return;
      }
      case 'subject':
        subject.value = m.text;
        return;
      case 'error':
        if (!chat.refused(m.id)) notices.add({ kind: 'refused', text: m.error.message });
    }
  }

  function startMuted(muted: { readonly audio: boolean; readonly video: boolean }): void {
    if (startMutedDone) return;
    startMutedDone = true;
    if (muted.audio && !me.audioMuted.peek()) {
      void devices.setMicrophone(false);
      notices.add({ kind: 'start-muted', media: 'audio' });
    }
    if (muted.video && !me.videoMuted.peek()) {
      void devices.setCamera(false);
      notices.add({ kind: 'start-muted', media: 'video' });
    }
  }

  function onBridge(m: BridgeMessage): void {
    switch (m.kind) {
      case 'dominant-speaker': {
        const speaker = m.endpoint === room.endpoint ? me : roster.byEndpoint(m.endpoint);
        if (speaker) dominantSpeaker.value = speaker.id;
        return;
      }
      case 'connectivity':
        roster.setReach(m.endpoint, m.active ? 'good' : 'interrupted');
        return;
      case 'sender-constraints':
        session.limit(m.source, m.maxHeight);
    }
  }

  const constraints = computed(() =>
    printVideoConstraints(
      constraintsFor(
        shown.value,
        (s) => {
          const member = roster.members.value.find((m) => m.id === s.participant);
          if (!member) return '';
          const source = pictureSource(member.sources.value, s.picture === 'screen');
          // A camera that is off is asked for already, so that its picture comes at once when it is on.
          return source === '' && s.picture === 'camera' ? `${member.endpoints.value[0]}-v0` : source;
        },
        config.lastN,
      ),
    ),
  );

  function videoTypes(): readonly string[] {
    return untracked(() => [
      printVideoType(`${room.endpoint}-v0`, me.videoMuted.value ? 'none' : 'camera'),
      ...(announcedScreen.value ? [printVideoType(`${room.endpoint}-v1`, 'desktop')] : []),
    ]);
  }

  function sendChannelState(): void {
    session.sendToBridge(constraints.peek());
    for (const text of videoTypes()) session.sendToBridge(text);
  }

  async function shareScreen(on: boolean): Promise<void> {
    try {
      await devices.setScreen(on);
    } catch {
      notices.add({ kind: 'share-failed' });
    }
  }

  // The focus and the bridge are told of a screen before its first frame is asked for.
  async function announceScreen(on: boolean): Promise<void> {
    try {
      if (!on) announcedScreen.value = false;
      await session.announceScreen(on);
      if (on && devices.screenTrack.peek()) announcedScreen.value = true;
    } catch (err) {
      if (!on) return;
      notices.add(err instanceof StanzaError ? { kind: 'refused', text: err.message } : { kind: 'share-failed' });
      await devices.setScreen(false).catch(() => undefined);
    }
  }

  function begin(): void {
    meter = receiverMeter(
      () => session.voices(),
      (levels) => batch(() => roster.setLevels(levels)),
    );
    let screenWas = devices.screenTrack.peek() !== null;
    let announcing: Promise<void> = Promise.resolve();
    if (screenWas) announcedScreen.value = true;
    stops.push(
      effect(() => {
        const on = devices.screenTrack.value !== null;
        if (on === screenWas) return;
        screenWas = on;
        announcing = announcing.then(() => announceScreen(on));
      }),
      effect(() => {
        // Whatever of these changes, the others should know.
        void [name.value, raisedHand.value, me.audioMuted.value, me.videoMuted.value, announcedScreen.value];
        untracked(() => {
          room.update();
          for (const text of videoTypes()) session.sendToBridge(text);
        });
      }),
      effect(() => {
        const text = constraints.value;
        untracked(() => session.sendToBridge(text));
      }),
      effect(() => {
        const state = session.state.value;
        untracked(() => {
          const now = phase.value;
          if (state === 'interrupted' && now.at === 'joined') reconnecting('media');
          if (state !== 'interrupted' && now.at === 'reconnecting' && now.why === 'media') phase.value = { at: 'joined' };
        });
      }),
    );
  }

  function end(how: Phase): void {
    batch(() => {
      phase.value = how;
      clearTimeout(settleTimer);
      meter?.stop();
      for (const stop of stops.splice(0)) stop();
      session.close();
      roster.clear();
      dominantSpeaker.value = null;
      announcedScreen.value = false;
    });
    devices.dispose();
  }

  function endpointOf(participant: string): string {
    return roster.byId(participant)?.endpoints.peek()[0] ?? '';
  }

  return {
    room: roomName,
    phase,
    media: devices,
    me,
    participants: computed(() => [me, ...roster.members.value]),
    dominantSpeaker,
    audio: session.audio,
    chat: chat.messages,
    unread: chat.unread,
    notices: notices.list,
    subject,
    startedAt,
    locked,
    enterPassword(password) {
      const now = phase.peek();
      if (now.at !== 'waiting' || now.why !== 'password') return;
      phase.value = { at: 'connecting' };
      room.enterPassword(password);
    },
    setPassword: room.setPassword,
    lobby,
    knocking,
    setLobby: (on) => room.setLobby(on, [room.jid, ...roster.members.peek().map((m) => m.jid)]),
    admit: room.admit,
    turnAway: room.turnAway,
    join(newName) {
      if (phase.peek().at !== 'idle') return;
      name.value = newName.trim();
      phase.value = { at: 'connecting' };
      begin();
      room.join();
    },
    leave() {
      const { at } = phase.peek();
      if (at === 'left' || at === 'failed') return;
      room.leave();
      end({ at: 'left', why: 'self' });
    },
    setName(newName) {
      name.value = newName.trim();
    },
    setMicrophone: devices.setMicrophone,
    setCamera: devices.setCamera,
    chooseDevice: devices.choose,
    shareScreen,
    setHand(up) {
      raisedHand.value = up ? Date.now() : 0;
    },
    sendChat(text, to) {
      const body = text.trim();
      if (body === '') return;
      const id = options.newId();
      chat.sending({ id, from: me.id, name: name.peek(), own: true, text: body, time: Date.now(), private: to ?? null });
      if (to === undefined) room.chat(id, body);
      else if (endpointOf(to) === '') chat.refused(id);
      else room.chat(id, body, endpointOf(to));
    },
    readingChat: chat.reading,
    show(pictures) {
      shown.value = pictures;
    },
    dismiss: notices.dismiss,
    async mute(participant, media) {
      const namespace = media === 'audio' ? ns.muteAudio : media === 'video' ? ns.muteVideo : ns.muteScreen;
      await room.toFocus(el('mute', namespace, { jid: `${roomJid}/${endpointOf(participant)}` }, 'true'));
    },
    async kick(participant) {
      await room.toRoom(el('query', ns.mucAdmin, {}, el('item', ns.mucAdmin, { nick: endpointOf(participant), role: 'none' })));
    },
    async grantModerator(participant) {
      const jid = bare(roster.byId(participant)?.jid ?? '');
      await room.toRoom(el('query', ns.mucAdmin, {}, el('item', ns.mucAdmin, { affiliation: 'owner', jid })));
    },
    retryNow: room.retryNow,
    inside: {
      endpoint: () => room.endpoint,
      media: () => session.state.peek(),
      stats: () => session.stats(),
    },
  };
}
