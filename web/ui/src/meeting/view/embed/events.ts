// What an outer page is told: the difference of two looks at a meeting, as events with the names and
// fields that pages written for Jitsi know (Jitsi handbook, IFrame API, events). Pure.

import type { Meeting, Phase } from '../../model/types.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly moderator: boolean;
  readonly audioMuted: boolean;
  readonly videoMuted: boolean;
  readonly sharing: boolean;
  readonly hand: number;
}

export interface Line {
  readonly id: string;
  readonly from: string;
  readonly name: string;
  readonly own: boolean;
  readonly private: boolean;
  readonly text: string;
}

export interface Look {
  readonly room: string;
  readonly phase: Phase;
  /** We first. */
  readonly people: readonly Person[];
  readonly speaker: string | null;
  readonly subject: string;
  readonly chat: readonly Line[];
  readonly unread: number;
  readonly chatOpen: boolean;
  readonly tileView: boolean;
  readonly knocking: readonly { readonly id: string; readonly name: string }[];
}

export interface Event {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads signals: whoever calls it in an effect is called again. */
export function lookAt(meeting: Meeting, view: { readonly chatOpen: boolean; readonly tileView: boolean }): Look {
  return {
    room: meeting.room,
    phase: meeting.phase.value,
    people: meeting.participants.value.map((p) => ({
      id: p.id,
      name: p.name.value,
      moderator: p.moderator.value,
      audioMuted: p.audioMuted.value,
      videoMuted: p.videoMuted.value,
      sharing: p.sharing.value,
      hand: p.raisedHand.value,
    })),
    speaker: meeting.dominantSpeaker.value,
    subject: meeting.subject.value,
    chat: meeting.chat.value.map((m) => ({ id: m.id, from: m.from, name: m.name, own: m.own, private: m.private !== null, text: m.text })),
    unread: meeting.unread.value,
    ...view,
    knocking: meeting.knocking.value,
  };
}

const inside = (look: Look | null) => look?.phase.at === 'joined' || look?.phase.at === 'reconnecting';

export function eventsBetween(before: Look | null, now: Look): Event[] {
  const out: Event[] = [];
  const say = (name: string, data: Readonly<Record<string, unknown>> = {}) => out.push({ name, data });
  const me = now.people[0];
  if (inside(now) && !inside(before)) say('videoConferenceJoined', { roomName: now.room, id: me?.id, displayName: me?.name });
  if (now.phase !== before?.phase) phaseEvents(now, say);
  if (!inside(now)) return out;
  peopleEvents(inside(before) ? before : null, now, say);
  if (now.speaker !== null && now.speaker !== before?.speaker) say('dominantSpeakerChanged', { id: now.speaker });
  if (now.subject !== (before?.subject ?? '')) say('subjectChange', { subject: now.subject });
  if (before && now.tileView !== before.tileView) say('tileViewChanged', { enabled: now.tileView });
  if (before && (now.chatOpen !== before.chatOpen || now.unread !== before.unread)) say('chatUpdated', { isOpen: now.chatOpen, unreadCount: now.unread });
  const read = new Set(before?.chat.map((m) => m.id));
  for (const m of now.chat) {
    if (read.has(m.id)) continue;
    if (m.own) say('outgoingMessage', { message: m.text, privateMessage: m.private });
    else say('incomingMessage', { from: m.from, nick: m.name, message: m.text, privateMessage: m.private });
  }
  for (const k of now.knocking) if (!before?.knocking.some((b) => b.id === k.id)) say('knockingParticipant', { participant: k });
  return out;
}

type Say = (name: string, data?: Readonly<Record<string, unknown>>) => void;

function phaseEvents(now: Look, say: Say): void {
  const { phase, room, people } = now;
  if (phase.at === 'waiting' && phase.why === 'password') say('passwordRequired');
  if (phase.at === 'failed') say('errorOccurred', { error: { name: phase.why, message: phase.text ?? '', isFatal: true } });
  if (phase.at !== 'left' && phase.at !== 'failed') return;
  if (phase.at === 'left' && phase.why === 'kicked') say('participantKickedOut', { kicked: { id: people[0]?.id, local: true }, kicker: { name: phase.by ?? '' } });
  say('videoConferenceLeft', { roomName: room });
  say('readyToClose');
}

function peopleEvents(before: Look | null, now: Look, say: Say): void {
  const was = new Map(before?.people.map((p) => [p.id, p]));
  for (const [i, p] of now.people.entries()) {
    const old = was.get(p.id);
    was.delete(p.id);
    const own = i === 0;
    if (!old && !own) say('participantJoined', { id: p.id, displayName: p.name });
    if (old && old.name !== p.name) say('displayNameChange', { id: p.id, displayname: p.name });
    if (p.moderator !== (old?.moderator ?? false)) say('participantRoleChanged', { id: p.id, role: p.moderator ? 'moderator' : 'participant' });
    if (p.hand !== (old?.hand ?? 0)) say('raiseHandUpdated', { id: p.id, handRaised: p.hand });
    if (old?.audioMuted !== p.audioMuted) muted(p, 'audio', p.audioMuted, own, old !== undefined, say);
    if (old?.videoMuted !== p.videoMuted) muted(p, 'video', p.videoMuted, own, old !== undefined, say);
    if (own && p.sharing !== (old?.sharing ?? false)) say('screenSharingStatusChanged', { on: p.sharing, details: {} });
  }
  for (const gone of was.values()) say('participantLeft', { id: gone.id });
}

function muted(p: Person, mediaType: 'audio' | 'video', isMuted: boolean, own: boolean, known: boolean, say: Say): void {
  if (own) say(mediaType === 'audio' ? 'audioMuteStatusChanged' : 'videoMuteStatusChanged', { muted: isMuted });
  else if (known) say('participantMuted', { participantId: p.id, isMuted, mediaType, isSelfMuted: true });
}
