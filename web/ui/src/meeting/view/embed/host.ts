// The meeting page's end of external_api.js: does what the outer page asks, and tells it what happens.
// It listens only to the page that frames it, and only when that page's origin is one of the box's own
// or on the administrator's list; browsers refuse the frame otherwise (frame-ancestors).

import { effect, type ReadonlySignal } from '@preact/signals';
import { parse, print, type Message } from '../../../embed/protocol.ts';
import type { Meeting } from '../../model/types.ts';
import { speakerView } from '../app/settings.ts';
import { controls } from '../room/controls.ts';
import { eventsBetween, lookAt, type Look } from './events.ts';

export function attach(meeting: ReadonlySignal<Meeting | null>, origins: readonly string[]): void {
  let outer = '';
  const post = (message: Message) => parent.postMessage(print(message), outer);
  addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source !== parent || (event.origin !== location.origin && !origins.includes(event.origin))) return;
    const message = parse(event.data);
    if (message?.kind === 'hello') {
      const first = outer === '';
      outer = event.origin;
      post({ kind: 'welcome' });
      if (first) tell(meeting, post);
    } else if (message?.kind === 'command' && meeting.peek()) {
      commands[message.name]?.(meeting.peek() as Meeting, message.args);
    }
  });
}

function tell(meeting: ReadonlySignal<Meeting | null>, post: (message: Message) => void): void {
  let before: Look | null = null;
  let of: Meeting | null = null;
  effect(() => {
    const now = meeting.value;
    if (!now) return;
    if (now !== of) before = null;
    of = now;
    const look = lookAt(now, { chatOpen: controls.value?.panel.value === 'chat', tileView: !speakerView.value && (controls.value?.pinned.value ?? null) === null });
    const [me] = look.people;
    post({
      kind: 'state',
      state: {
        participants: look.people.map((p) => ({ participantId: p.id, displayName: p.name, formattedDisplayName: p.id === me?.id ? `${p.name} (me)` : p.name })),
        audioMuted: me?.audioMuted,
        videoMuted: me?.videoMuted,
      },
    });
    for (const { name, data } of eventsBetween(before, look)) post({ kind: 'event', name, data });
    before = look;
  });
}

type Command = (meeting: Meeting, args: readonly unknown[]) => void;

const text = (value: unknown) => (typeof value === 'string' ? value : '');
const id = (meeting: Meeting, value: unknown) => meeting.participants.peek().find((p) => p.id === value && !p.local)?.id;
const quietly = (work: Promise<unknown>) => void work.catch(() => undefined);

function pin(meeting: Meeting, participant: unknown): void {
  const found = meeting.participants.peek().find((p) => p.id === participant);
  const { pinned } = controls.peek() ?? {};
  if (pinned) pinned.value = found ? { participant: found.id, picture: 'camera' } : null;
}

/** By Jitsi's names; what the meeting does not allow is refused as it is for a person. */
const commands: Readonly<Record<string, Command>> = {
  displayName: (m, [name]) => m.setName(text(name)),
  password: (m, [password]) => {
    if (m.phase.peek().at === 'waiting') m.enterPassword(text(password));
    else if (m.me.moderator.peek()) quietly(m.setPassword(text(password)));
  },
  toggleAudio: (m) => quietly(m.setMicrophone(m.me.audioMuted.peek())),
  toggleVideo: (m) => quietly(m.setCamera(m.me.videoMuted.peek())),
  toggleShareScreen: (m) => quietly(m.shareScreen(m.media.screen.peek() === 'off')),
  toggleRaiseHand: (m) => m.setHand(m.me.raisedHand.peek() === 0),
  toggleChat: () => controls.peek()?.actions.chat?.(),
  toggleParticipantsPane: () => controls.peek()?.actions.people?.(),
  toggleFilmStrip: () => controls.peek()?.actions.strip?.(),
  toggleTileView: () => controls.peek()?.actions.view?.(),
  setTileView: (m, [on]) => {
    pin(m, '');
    speakerView.value = on !== true;
  },
  pinParticipant: (m, [participant]) => pin(m, participant),
  setLargeVideoParticipant: (m, [participant]) => pin(m, participant),
  sendChatMessage: (m, [message, to]) => {
    const other = id(m, to);
    if (to === undefined || to === '' || to === null) m.sendChat(text(message));
    else if (other !== undefined) m.sendChat(text(message), other);
  },
  muteEveryone: (m, [media]) => {
    for (const p of m.participants.peek()) if (!p.local) quietly(m.mute(p.id, media === 'video' ? 'video' : 'audio'));
  },
  kickParticipant: (m, [participant]) => {
    const other = id(m, participant);
    if (other !== undefined) quietly(m.kick(other));
  },
  grantModerator: (m, [participant]) => {
    const other = id(m, participant);
    if (other !== undefined) quietly(m.grantModerator(other));
  },
  toggleLobby: (m, [on]) => quietly(m.setLobby(on === true)),
  answerKnockingParticipant: (m, [knocker, approved]) => {
    if (approved === true) m.admit(text(knocker));
    else quietly(m.turnAway(text(knocker)));
  },
  hangup: (m) => m.leave(),
};
