import { expect, test } from 'vitest';
import { eventsBetween, type Look, type Person } from './events.ts';

const person = (id: string, more: Partial<Person> = {}): Person => ({ id, name: id, moderator: false, audioMuted: false, videoMuted: false, sharing: false, hand: 0, ...more });
const look = (more: Partial<Look> = {}): Look => ({
  room: 'demo',
  phase: { at: 'joined' },
  people: [person('me')],
  speaker: null,
  subject: '',
  chat: [],
  unread: 0,
  chatOpen: false,
  tileView: true,
  knocking: [],
  ...more,
});
const names = (before: Look | null, now: Look) => eventsBetween(before, now).map((e) => e.name);

test('joining, with who is there already', () => {
  expect(eventsBetween(look({ phase: { at: 'connecting' } }), look({ people: [person('me', { moderator: true }), person('ben')] }))).toEqual([
    { name: 'videoConferenceJoined', data: { roomName: 'demo', id: 'me', displayName: 'me' } },
    { name: 'participantRoleChanged', data: { id: 'me', role: 'moderator' } },
    { name: 'audioMuteStatusChanged', data: { muted: false } },
    { name: 'videoMuteStatusChanged', data: { muted: false } },
    { name: 'participantJoined', data: { id: 'ben', displayName: 'ben' } },
  ]);
});

test('nothing happened, nothing is said; a reconnect is none of the outer page’s business', () => {
  expect(names(look(), look())).toEqual([]);
  expect(names(look(), look({ phase: { at: 'reconnecting', why: 'server', since: 1 } }))).toEqual([]);
});

test('the ends', () => {
  expect(names(look(), look({ phase: { at: 'left', why: 'self' } }))).toEqual(['videoConferenceLeft', 'readyToClose']);
  expect(names(look(), look({ phase: { at: 'left', why: 'kicked', by: 'Ben' } }))).toEqual(['participantKickedOut', 'videoConferenceLeft', 'readyToClose']);
  expect(names(null, look({ phase: { at: 'failed', why: 'full' } }))).toEqual(['errorOccurred', 'videoConferenceLeft', 'readyToClose']);
  expect(names(null, look({ phase: { at: 'waiting', why: 'password' } }))).toEqual(['passwordRequired']);
});

test('people and what they do', () => {
  const before = look({ people: [person('me'), person('ben'), person('cleo')] });
  const now = look({ people: [person('me', { sharing: true, audioMuted: true }), person('ben', { name: 'Benno', videoMuted: true, hand: 7 })], speaker: 'ben' });
  expect(eventsBetween(before, now)).toEqual([
    { name: 'audioMuteStatusChanged', data: { muted: true } },
    { name: 'screenSharingStatusChanged', data: { on: true, details: {} } },
    { name: 'displayNameChange', data: { id: 'ben', displayname: 'Benno' } },
    { name: 'raiseHandUpdated', data: { id: 'ben', handRaised: 7 } },
    { name: 'participantMuted', data: { participantId: 'ben', isMuted: true, mediaType: 'video', isSelfMuted: true } },
    { name: 'participantLeft', data: { id: 'cleo' } },
    { name: 'dominantSpeakerChanged', data: { id: 'ben' } },
  ]);
});

test('chat, layout, the door', () => {
  const line = (id: string, own: boolean) => ({ id, from: own ? 'me' : 'ben', name: 'Ben', own, private: false, text: id });
  const now = look({ chat: [line('a', true), line('b', false)], unread: 1, tileView: false, subject: 'Plan', knocking: [{ id: 'k', name: 'Kim' }] });
  expect(names(look({ chat: [line('a', true)] }), now)).toEqual(['subjectChange', 'tileViewChanged', 'chatUpdated', 'incomingMessage', 'knockingParticipant']);
});
