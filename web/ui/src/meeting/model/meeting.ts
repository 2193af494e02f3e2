// The meeting as the view sees it: puts the room, the media session, the roster and the local devices
// together. Everything that happens here is a consequence of a stanza, a message of the bridge, a
// device, or something the person did.

import { batch, computed, effect, signal, untracked } from '@preact/signals-core';

import { sameFront } from '../../config/config.ts';
import { receiverMeter, type Meter } from '../../rtc/level.ts';
import { reduceStats } from '../../rtc/stats.ts';
import type { BridgeMessage } from '../../xmpp/colibri.ts';
import { printEndpointStats } from '../../xmpp/colibri.ts';
import { roomNode } from '../../xmpp/jid.ts';
import type { RoomMessage } from '../../xmpp/message.ts';
import type { Departure, Occupant, Profile } from '../../xmpp/presence.ts';
import type { Xml } from '../../xmpp/xml.ts';
import { createInterruptions } from './interruptions.ts';
import { createNotices } from './notices.ts';
import { createOrders } from './orders.ts';
import { createPictures } from './pictures.ts';
import { createQuality } from './quality.ts';
import type { Inside, MeetingOptions } from './options.ts';
import { createRoom, type Room } from './room.ts';
import { createRoster, type Member } from './roster.ts';
import type { PictureQuality } from './pictureQuality.ts';
import { loadLater } from './later.ts';
import { createScreen } from './screen.ts';
import { createSession } from './session.ts';
import { createStartMuted } from './startMuted.ts';
import { createTalk } from './talk.ts';
import { createBus, createWire } from './wire.ts';
import type { Knocker, Meeting, Participant, Phase, Shown } from './types.ts';

/**
 * How long (ms) those who have not shown up after a reconnect keep their tile: longer after a box was
 * away for longer, for the others ask for it at other moments.
 */
const settleTime = (away: number) => (away > 10_000 ? 20_000 : 5_000);

export function createMeeting(options: MeetingOptions): Meeting & { readonly inside: Inside; networkChanged(): void } {
  const { config, devices, pictureQuality = signal<PictureQuality>('high') } = options;
  const roomName = roomNode(options.room);
  const roomJid = `${roomName}@${config.muc}`;

  const phase = signal<Phase>({ at: 'idle' });
  const name = signal('');
  const raisedHand = signal(0);
  const recording = signal(false);
  const moderator = signal(false);
  const dominantSpeaker = signal<string | null>(null);
  const subject = signal('');
  const locked = signal(false);
  const lobby = signal(false);
  const knocking = signal<readonly Knocker[]>([]);
  const startedAt = signal<number | null>(null);
  const shown = signal<readonly Shown[] | null>(null);
  const thinned = signal(false);
  const notices = createNotices();
  const bus = createBus();
  const here = signal(roomJid);
  let bridgeMissing = false;
  let settleTimer: ReturnType<typeof setTimeout> | undefined;
  let meter: Meter | undefined;
  const stops: (() => void)[] = [];

  const session = createSession({
    makePeer: options.makePeer,
    tracks: { microphone: devices.sound, camera: devices.camera.track, screen: devices.screenTrack },
    simulcast: config.simulcast,
    preferSctp: config.preferSctp,
    throughFront: (url) => sameFront(url, config.websocket),
    iceServers: () => room.iceServers.map((s) => ({ ...s })),
    endpoint: () => room.endpoint,
    jid: () => room.jid,
    request: (jingle) => room.toFocus(jingle),
    onBridge,
    onChannel: () => pictures.sayAll(),
  });
  const roster = createRoster(
    session.find,
    computed(() => pictureQuality.value !== 'audio'),
  );

  const screen = createScreen({ devices, announce: (on) => session.announceScreen(on), notice: notices.add });
  const announcedScreen = screen.announced;
  const { share: shareScreen } = screen;

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
    quality: signal(100),
    recording,
  };

  const pictures = createPictures({
    shown,
    members: roster.members,
    quality: pictureQuality,
    lastN: config.lastN,
    cameraMuted: me.videoMuted,
    sharing: announcedScreen,
    endpoint: () => room.endpoint,
    tell: (text) => session.sendToBridge(text),
    limit: (source, maxHeight) => session.limit(source, maxHeight),
  });
  const interruptions = createInterruptions({
    phase,
    media: () => session.state.peek(),
    url: new URL('/.well-known/meetbox-trusted', config.bosh).href,
    fetch: options.fetch,
    online: options.online,
  });

  const frozen = computed(() => session.state.value === 'interrupted');
  const quality = createQuality({
    stats: async () => {
      const [report] = await session.stats();
      return report ? reduceStats([...report.values()] as Record<string, unknown>[]) : null;
    },
    lost: frozen,
    others: () => new Map(roster.members.peek().map((m) => [m.id, m.quality.peek()])),
    tell: (own, figures) => session.sendToBridge(printEndpointStats({ quality: own, ...figures })),
    now: Date.now,
  });

  const room: Room = createRoom({
    config,
    room: roomJid,
    machineUid: options.machineUid,
    connect: options.connect,
    fetch: options.fetch,
    handlers: {
      profile,
      entering(how) {
        bus.fresh();
        if (how === 'first') {
          phase.value = { at: 'connecting' };
          return;
        }
        // A box that was away has let picture and sound go, too.
        interruptions.begin(how === 'moving' ? 'moving' : session.state.peek() === 'interrupted' ? 'media' : 'server');
        session.detach();
        if (how === 'moving') moving();
        else roster.expectAll();
      },
      services: bus.found,
      waiting(why, wrong) {
        phase.value = { at: 'waiting', why, ...(wrong ? { wrong } : {}) };
      },
      slowed(seconds, typed) {
        phase.value = { at: 'waiting', why: 'password', slow: { seconds, typed } };
      },
      entered,
      interrupted(why) {
        interruptions.begin(why);
        void interruptions.findCause();
      },
      resumed: () => interruptions.settle(),
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
        if (action.action === 'session-initiate') {
          thinned.value = false;
          startMuted(action.startMuted);
        }
        return session.handle(action);
      },
      muted(media, actor) {
        if (media === 'audio') void devices.silence();
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
      named(known) {
        name.value = known;
      },
      knocking(list) {
        // Who is let in shows up here before they leave there.
        knocking.value = list.filter((k) => !roster.members.peek().some((m) => m.jid === k.jid));
      },
    },
  });

  const talk = createTalk({
    me,
    newId: options.newId,
    send: (x) => room.send(x),
    endpoint: () => room.endpoint,
    home: roomJid,
    room: () => room.name,
    who: (endpoint) => roster.byEndpoint(endpoint),
    addressOf,
    nameOf: (id) => roster.byId(id)?.name.peek() ?? '',
  });

  const startMuted = createStartMuted({ me, devices, notice: notices.add });

  const wire = createWire({
    bus,
    config,
    me,
    devices,
    here,
    home: roomJid,
    roster,
    dominantSpeaker,
    room: () => room,
    toBridge: session.sendToBridge,
    addressOf,
    notice: notices.add,
    newId: options.newId,
  });

  const { together, load } = loadLater(async () => (await options.loadTogether()).createTogether(wire));

  /** Into another room of the meeting: nobody and nothing comes along. */
  function moving(): void {
    batch(() => {
      session.alone();
      roster.clear();
      dominantSpeaker.value = null;
      here.value = room.name;
      talk.enter(room.name);
    });
  }

  /** Whether a moderator lets us; says so when not. */
  function may(medium: 'audio' | 'video'): boolean {
    const ok = together.peek()?.moderation.may(medium) ?? true;
    if (!ok) notices.add({ kind: 'not-allowed', medium });
    return ok;
  }

  function nameOf(endpoint: string): string {
    return roster.byEndpoint(endpoint)?.name.peek() ?? '';
  }

  function addressOf(participant: string): string {
    const endpoint = participant === me.id ? room.endpoint : endpointOf(participant);
    return endpoint === '' ? '' : `${room.name}/${endpoint}`;
  }

  function profile(): Omit<Profile, 'caps'> {
    return untracked(() => ({
      name: name.value,
      statsId: options.statsId,
      codecs: options.codecs,
      raisedHand: raisedHand.value,
      recording: recording.value,
      sources: {
        // The sound of a shared screen is heard also while the microphone is muted.
        [`${room.endpoint}-a0`]: { muted: devices.sound.value === null, screen: false },
        [`${room.endpoint}-v0`]: { muted: me.videoMuted.value, screen: false },
        ...(announcedScreen.value ? { [`${room.endpoint}-v1`]: { muted: false, screen: true } } : {}),
      },
    }));
  }

  function entered(o: Occupant, lost: readonly Xml[]): void {
    const nowModerator = o.role === 'moderator' || o.affiliation === 'owner';
    const before = phase.peek();
    batch(() => {
      if (nowModerator && !moderator.value && before.at === 'joined') notices.add({ kind: 'moderator' });
      moderator.value = nowModerator;
      if (before.at === 'connecting' || before.at === 'waiting') phase.value = { at: 'joined' };
      else if (before.at === 'reconnecting' && before.why !== 'media') interruptions.settle();
    });
    if (before.at === 'joined') return;
    clearTimeout(settleTimer);
    settleTimer = setTimeout(() => {
      for (const gone of roster.settle()) announceLeft(gone);
      if (roster.members.peek().length === 0) session.alone();
    }, settleTime(before.at === 'reconnecting' ? Date.now() - before.since : 0));
    talk.sayAgain(lost);
    bus.entered();
    load();
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
    if (talk.receive(m)) return;
    switch (m.kind) {
      case 'json':
        bus.push(m.from, m.type, m.body);
        return;
      case 'subject':
        subject.value = m.text;
        return;
      case 'error':
        notices.add({ kind: 'refused', text: m.error.message });
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
        pictures.limited(m.source, m.maxHeight);
        return;
      case 'endpoint-message': {
        const from = roster.byEndpoint(m.from);
        if (from) bus.told(from, m.payload);
        return;
      }
      case 'video-thinned':
        thinned.value = m.step > 0;
        return;
      case 'endpoint-stats':
        roster.setQuality(m.from, Number(m.stats['connectionQuality']));
    }
  }

  function begin(): void {
    quality.start();
    meter = receiverMeter(
      () => session.voices(),
      (levels) => batch(() => roster.setLevels(levels)),
    );
    stops.push(
      screen.follow(),
      effect(() => {
        // Whatever of these changes, the others should know.
        void [name.value, raisedHand.value, recording.value, devices.sound.value === null, me.videoMuted.value, announcedScreen.value];
        untracked(() => {
          room.update();
          pictures.sayTypes();
        });
      }),
      effect(() => {
        void devices.sharing.value;
        untracked(() => session.tuneScreen());
      }),
      effect(() => {
        const text = pictures.wanted.value;
        untracked(() => session.sendToBridge(text));
      }),
      effect(() => {
        const state = session.state.value;
        untracked(() => {
          const now = phase.value;
          if (state === 'interrupted' && now.at === 'joined') interruptions.begin('media');
          if (state !== 'interrupted' && now.at === 'reconnecting' && now.why === 'media') phase.value = { at: 'joined' };
        });
      }),
    );
  }

  function end(how: Phase): void {
    batch(() => {
      phase.value = how;
      clearTimeout(settleTimer);
      interruptions.stop();
      quality.stop();
      meter?.stop();
      for (const stop of stops.splice(0)) stop();
      session.close();
      roster.clear();
      dominantSpeaker.value = null;
      screen.reset();
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
    chat: talk.messages,
    unread: talk.unread,
    together,
    notices: notices.list,
    subject,
    startedAt,
    quality,
    frozen,
    thinned,
    pictureQuality,
    setPictureQuality(next) {
      pictureQuality.value = next;
      pictures.limitCamera();
      if (next === 'audio') void devices.setCamera(false);
    },
    setRecording(on) {
      recording.value = on;
    },
    locked,
    enterPassword(password) {
      const now = phase.peek();
      if (now.at !== 'waiting' || now.why !== 'password') return;
      phase.value = { at: 'connecting' };
      room.enterPassword(password);
    },
    logIn: room.logIn,
    lobby,
    knocking,
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
    setMicrophone: (on) => (on && !may('audio') ? Promise.resolve() : devices.setMicrophone(on)),
    setCamera: (on) => (on && !may('video') ? Promise.resolve() : devices.setCamera(on)),
    chooseDevice: devices.choose,
    shareScreen: (on) => (on && !may('video') ? Promise.resolve() : shareScreen(on)),
    setHand(up) {
      raisedHand.value = up ? Date.now() : 0;
    },
    sendChat: talk.say,
    reactToChat: talk.react,
    retractChat: talk.retract,
    readingChat: talk.reading,
    show(pictures) {
      shown.value = pictures;
    },
    dismiss: notices.dismiss,
    ...createOrders({ room, roster, addressOf, endpointOf }),
    networkChanged() {
      room.retryNow();
      session.reroute();
    },
    inside: {
      endpoint: () => room.endpoint,
      media: () => session.state.peek(),
      stats: () => session.stats(),
    },
  };
}
