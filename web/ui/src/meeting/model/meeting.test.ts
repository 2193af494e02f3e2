import { beforeAll, expect, test, vi } from 'vitest';

import { enter, FakeStream, room, setUp } from '../../../test/meeting.ts';
import { ns } from '../../xmpp/ns.ts';
import { child, childrenOf, el, textOf, type Xml } from '../../xmpp/xml.ts';

beforeAll(() => {
  vi.stubGlobal('MediaStream', FakeStream);
});

const on = { muted: false };

function initiate(sid: string, sources: object = {}): Xml {
  return el(
    'jingle',
    ns.jingle,
    { action: 'session-initiate', sid, initiator: 'focus@auth.meet.example/focus' },
    el('content', ns.jingle, { name: 'audio' }, el('description', ns.rtp, { media: 'audio' }), el('transport', ns.ice)),
    el('bridge-session', ns.focus, { id: `bs-${sid}` }),
    el('json-message', ns.jitmeet, {}, JSON.stringify({ sources })),
  );
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function joined(more = {}) {
  const s = setUp(more);
  s.meeting.join(' Ann ');
  await enter(s, 'aaaaaaaa', () => s.connection.member('bbbbbbbb', 'Bob', { 'bbbbbbbb-a0': on, 'bbbbbbbb-v0': on }));
  await settled();
  return s;
}

/** With a bridge connection that carries Bob. */
async function meeting() {
  const s = await joined();
  s.connection.request(initiate('s1'));
  await settled();
  const [peer] = s.peers;
  if (!peer) throw new Error('no peer');
  s.connection.answer('jingle');
  peer.state.value = 'connected';
  peer.open.value = true;
  peer.say({ colibriClass: 'VideoSourcesMap', mappedSources: [{ source: 'bbbbbbbb-v0', owner: 'bbbbbbbb', ssrc: 5001, rtx: 5002, videoType: 'CAMERA' }] });
  peer.say({ colibriClass: 'AudioSourcesMap', mappedSources: [{ source: 'bbbbbbbb-a0', owner: 'bbbbbbbb', ssrc: 6001 }] });
  await settled();
  return { ...s, peer };
}

const ids = (s: { meeting: { participants: { value: readonly { id: string }[] } } }) => s.meeting.participants.value.map((p) => p.id);
const track = (stream: unknown) => (stream as FakeStream | null)?.tracks[0]?.id ?? null;

test('joining: request, presence, room; who was there before is no news', async () => {
  const s = await joined();
  expect(s.meeting.phase.value).toEqual({ at: 'joined' });
  expect(s.connection.names()).toEqual(expect.arrayContaining(['iq services', 'iq conference', 'presence', 'iq query']));
  const presence = s.connection.sent.find((x) => x.name === 'presence');
  expect(presence?.attrs['to']).toBe(`${room}/aaaaaaaa`);
  expect(textOf(child(presence, 'nick'))).toBe('Ann');
  expect(JSON.parse(textOf(child(presence, 'SourceInfo')))).toEqual({ 'aaaaaaaa-a0': { muted: true }, 'aaaaaaaa-v0': { muted: true } });
  expect(ids(s)).toEqual(['me', 'bbbbbbbb']);
  expect(s.meeting.notices.value).toEqual([]);
  s.connection.answer('query', el('query', ns.discoInfo, {}, el('x', ns.form, {}, el('field', ns.form, { var: 'muc#roominfo_created_timestamp' }, el('value', ns.form, {}, '17')))));
  await settled();
  expect(s.meeting.startedAt.value).toBe(17);
});

test('a password: asked for in words, given again after a reconnect', async () => {
  const s = setUp();
  s.meeting.join('Ann');
  await enter(s, 'aaaaaaaa', () => undefined, 'not-authorized');
  expect(s.meeting.phase.value).toEqual({ at: 'waiting', why: 'password' });
  s.meeting.enterPassword('sesame?');
  expect(s.meeting.phase.value).toEqual({ at: 'connecting' });
  const password = () => textOf(child(child(s.connection.sent.findLast((x) => x.name === 'presence'), 'x', ns.muc), 'password'));
  expect(password()).toBe('sesame?');
  s.connection.refuseJoin('aaaaaaaa', 'not-authorized');
  expect(s.meeting.phase.value).toEqual({ at: 'waiting', why: 'password', wrong: true });
  s.meeting.enterPassword('sesame??');
  s.connection.refuseJoin('aaaaaaaa', 'policy-violation', el('slow-down', 'https://meetbox.local/slow-down', {}, '8'));
  expect(s.meeting.phase.value).toEqual({ at: 'waiting', why: 'password', slow: { seconds: 8, typed: 'sesame??' } });
  s.meeting.enterPassword('sesame');
  s.connection.presence('aaaaaaaa', { code: '110' });
  expect(s.meeting.phase.value).toEqual({ at: 'joined' });
  s.connection.answer('query', el('query', ns.discoInfo, {}, el('feature', ns.discoInfo, { var: 'muc_passwordprotected' })));
  await settled();
  expect(s.meeting.locked.value).toBe(true);
  await enter(s, 'dddddddd');
  expect(password()).toBe('sesame');
});

test('a moderator sets a password', async () => {
  const s = await joined();
  const set = s.meeting.setPassword('sesame');
  const form = child(child(s.connection.sent.at(-1), 'query', ns.mucOwner), 'x', ns.form);
  const fields = Object.fromEntries(childrenOf(form, 'field').map((f) => [f.attrs['var'], textOf(child(f, 'value'))]));
  expect(fields).toMatchObject({ 'muc#roomconfig_roomsecret': 'sesame', 'muc#roomconfig_passwordprotectedroom': '1' });
  s.connection.answer('query');
  await set;
  expect(s.meeting.locked.value).toBe(true);
});

test('coming and going', async () => {
  const s = await joined();
  s.connection.member('cccccccc', 'Cy', { 'cccccccc-v0': { muted: true } });
  expect(ids(s)).toEqual(['me', 'bbbbbbbb', 'cccccccc']);
  const cy = s.meeting.participants.value[2];
  expect([cy?.name.value, cy?.audioMuted.value, cy?.videoMuted.value]).toEqual(['Cy', true, true]);
  s.connection.member('cccccccc', 'Cyrus', { 'cccccccc-a0': on, 'cccccccc-v1': { muted: false, videoType: 'desktop' } });
  expect([cy?.name.value, cy?.audioMuted.value, cy?.videoMuted.value, cy?.sharing.value]).toEqual(['Cyrus', false, true, true]);
  s.connection.presence('cccccccc', { type: 'unavailable' });
  expect(ids(s)).toEqual(['me', 'bbbbbbbb']);
  expect(s.meeting.notices.value.map((n) => [n.kind, 'name' in n ? n.name : ''])).toEqual([
    ['joined', 'Cy'],
    ['left', 'Cyrus'],
  ]);
  s.meeting.dismiss(1);
  expect(s.meeting.notices.value).toHaveLength(1);
});

test('a bridge: the offer is accepted with our sources, its maps make pictures and sounds', async () => {
  const s = await meeting();
  const accept = s.connection.sent.map((x) => child(x, 'jingle')).find((j) => j?.attrs['action'] === 'session-accept');
  expect(accept?.attrs).toMatchObject({ sid: 's1', responder: s.connection.jid });
  const bob = s.meeting.participants.value[1];
  expect(track(bob?.camera.value)).toBe('track 5001');
  expect(s.meeting.audio.value.map((a) => track(a.stream))).toEqual(['track 6001']);
  // The picture goes with the mute flag, not with the stream.
  s.connection.member('bbbbbbbb', 'Bob', { 'bbbbbbbb-a0': on, 'bbbbbbbb-v0': { muted: true } });
  expect(bob?.camera.value).toBeNull();
});

test('a slot of the bridge changes hands', async () => {
  const s = await meeting();
  s.connection.member('cccccccc', 'Cy', { 'cccccccc-v0': on });
  s.peer.say({ colibriClass: 'VideoSourcesMap', mappedSources: [{ source: 'cccccccc-v0', owner: 'cccccccc', ssrc: 5001, rtx: 5002 }] });
  const [, bob, cy] = s.meeting.participants.value;
  expect(bob?.camera.value).toBeNull();
  expect(track(cy?.camera.value)).toBe('track 5001');
});

test('without SSRC rewriting the focus names the sources', async () => {
  const s = await joined({ ssrcRewriting: false });
  s.connection.request(
    initiate('s1', {
      jvb: [[{ s: 9, n: 'jvb-v0', m: 'm v' }]],
      bbbbbbbb: [[{ s: 11, n: 'bbbbbbbb-v0', m: 'x y' }, { s: 12, n: 'bbbbbbbb-v0', m: 'x y' }], [['f', 11, 12]], [{ s: 13, n: 'bbbbbbbb-a0', m: 'x z' }]],
    }),
  );
  await settled();
  expect([...(s.peers[0]?.tracks.keys() ?? [])].toSorted()).toEqual([11, 13]);
  const bob = s.meeting.participants.value[1];
  expect(track(bob?.camera.value)).toBe('track 11');
  s.connection.member('cccccccc', 'Cy', { 'cccccccc-v0': on });
  const add = el('jingle', ns.jingle, { action: 'source-add', sid: 's1' }, el('json-message', ns.jitmeet, {}, '{"sources":{"cccccccc":[[{"s":21,"n":"cccccccc-v0","m":"q r"}]]}}'));
  expect(s.connection.request(add)?.attrs['type']).toBe('result');
  expect(track(s.meeting.participants.value[2]?.camera.value)).toBe('track 21');
  s.connection.presence('cccccccc', { type: 'unavailable' });
  expect([...(s.peers[0]?.received.value.keys() ?? [])]).not.toContain(21);
});

test('only the focus directs us', async () => {
  const s = await joined();
  expect(s.connection.request(initiate('s1'), `${room}/bbbbbbbb`)).toBeUndefined();
  expect(s.peers).toHaveLength(0);
  expect(s.connection.request(initiate('s1'))?.attrs['type']).toBe('result');
  const again = s.connection.request(initiate('s1'));
  expect(again?.attrs['type']).toBe('error');
  const unknown = s.connection.request(el('jingle', ns.jingle, { action: 'source-add', sid: 'other' }));
  expect(child(child(unknown, 'error'), 'unknown-session')).toBeDefined();
});

test('muted by a moderator', async () => {
  const s = await joined();
  await s.meeting.setMicrophone(true);
  await settled();
  const update = s.connection.sent.findLast((x) => x.name === 'presence');
  expect(JSON.parse(textOf(child(update, 'SourceInfo')))['aaaaaaaa-a0']).toEqual({ muted: false });
  const answer = s.connection.request(el('mute', ns.muteAudio, { actor: `${room}/bbbbbbbb` }, 'true'));
  expect(answer?.attrs['type']).toBe('result');
  expect(s.meeting.me.audioMuted.value).toBe(true);
  expect(s.meeting.notices.value.at(-1)).toMatchObject({ kind: 'muted-by', name: 'Bob', media: 'audio' });
});

test('the layout asks the bridge for what it shows', async () => {
  const s = await meeting();
  const last = () => JSON.parse(s.peer.messages.findLast((m) => m.includes('ReceiverVideoConstraints')) ?? '{}');
  expect(last().defaultConstraints).toEqual({ maxHeight: 180 });
  s.meeting.show([{ participant: 'bbbbbbbb', picture: 'camera', height: 700, stage: true }, { participant: 'me', picture: 'camera', height: 100 }]);
  expect(last()).toMatchObject({
    defaultConstraints: { maxHeight: 0 },
    constraints: { 'bbbbbbbb-v0': { maxHeight: 720 } },
    onStageSources: ['bbbbbbbb-v0'],
  });
  s.peer.say({ colibriClass: 'SenderSourceConstraints', sourceName: 'aaaaaaaa-v0', maxHeight: 360 });
  expect(s.peer.limits).toEqual([['camera', 360]]);
  s.peer.say({ colibriClass: 'DominantSpeakerEndpointChangeEvent', dominantSpeakerEndpoint: 'bbbbbbbb' });
  expect(s.meeting.dominantSpeaker.value).toBe('bbbbbbbb');
});

test('sharing a screen is announced before it is shown, and withdrawn', async () => {
  const s = await meeting();
  const actions = () => s.connection.sent.flatMap((x) => child(x, 'jingle')?.attrs['action'] ?? []);
  await s.meeting.shareScreen(true);
  await settled();
  expect(actions().at(-1)).toBe('source-add');
  expect(s.meeting.me.sharing.value).toBe(false);
  s.connection.answer('jingle');
  await settled();
  expect(s.meeting.me.sharing.value).toBe(true);
  expect(s.connection.sent.findLast((x) => x.name === 'presence')?.children.some((c) => typeof c !== 'string' && textOf(c).includes('desktop'))).toBe(true);
  await s.meeting.shareScreen(false);
  await settled();
  expect(actions().at(-1)).toBe('source-remove');
  expect(s.meeting.me.sharing.value).toBe(false);
  s.connection.answer('jingle');

  await s.meeting.shareScreen(true);
  await settled();
  s.connection.refuse('jingle', 'resource-constraint');
  await settled();
  expect(s.devices.screen.value).toBe('off');
  expect(s.meeting.notices.value.at(-1)?.kind).toBe('refused');
});

test('chat: own messages are confirmed by the room, others count as unread', async () => {
  const s = await joined();
  s.meeting.sendChat(' hi ');
  expect(s.meeting.chat.value).toMatchObject([{ text: 'hi', own: true, delivery: 'sending', private: null }]);
  s.connection.chat('aaaaaaaa', 'hi', 'id1');
  s.connection.chat('bbbbbbbb', 'hello', 'x1');
  s.connection.chat('bbbbbbbb', 'psst', 'x2', 'chat');
  expect(s.meeting.chat.value.map((m) => [m.name, m.text, m.delivery, m.private])).toEqual([
    ['Ann', 'hi', 'sent', null],
    ['Bob', 'hello', 'sent', null],
    ['Bob', 'psst', 'sent', { id: 'bbbbbbbb', name: 'Bob' }],
  ]);
  expect(s.meeting.unread.value).toBe(2);
  s.meeting.readingChat(true);
  s.connection.chat('bbbbbbbb', 'more', 'x3');
  expect(s.meeting.unread.value).toBe(0);
  s.meeting.sendChat('to you', 'bbbbbbbb');
  expect(s.connection.sent.at(-1)?.attrs).toMatchObject({ to: `${room}/bbbbbbbb`, type: 'chat' });
  s.meeting.sendChat('nobody', 'zzzzzzzz');
  expect(s.meeting.chat.value.at(-1)?.delivery).toBe('refused');
  s.meeting.sendChat('   ');
  expect(s.meeting.chat.value).toHaveLength(6);
});

test('another bridge: the former picture stays until the new one flows', async () => {
  const s = await meeting();
  s.peer.tracks.get(5001)?.flow();
  const bob = s.meeting.participants.value[1];
  s.connection.request(el('jingle', ns.jingle, { action: 'session-terminate', sid: 's1' }, el('reason', ns.jingle, {}, el('success', ns.jingle), el('text', ns.jingle, {}, 'moving'))));
  expect(s.meeting.phase.value).toMatchObject({ at: 'reconnecting', why: 'media' });
  expect(track(bob?.camera.value)).toBe('track 5001');
  s.connection.request(initiate('s2'));
  await settled();
  const next = s.peers[1];
  if (!next) throw new Error('no second peer');
  next.state.value = 'connected';
  next.open.value = true;
  next.say({ colibriClass: 'VideoSourcesMap', mappedSources: [{ source: 'bbbbbbbb-v0', owner: 'bbbbbbbb', ssrc: 7001, rtx: 7002 }] });
  expect(s.meeting.phase.value).toEqual({ at: 'joined' });
  expect(track(bob?.camera.value)).toBe('track 5001');
  next.tracks.get(7001)?.flow();
  expect(track(bob?.camera.value)).toBe('track 7001');
  expect(next.messages.some((m) => m.includes('ReceiverVideoConstraints'))).toBe(true);
});

test('a failed connection to the bridge asks for a new one', async () => {
  const s = await meeting();
  s.peer.state.value = 'failed';
  const end = s.connection.sent.map((x) => child(x, 'jingle')).findLast((j) => j?.attrs['action'] === 'session-terminate');
  expect(child(end, 'bridge-session')?.attrs).toEqual({ id: 'bs-s1', restart: 'true' });
  expect(s.meeting.phase.value).toMatchObject({ at: 'reconnecting', why: 'media' });
});

test('a resumed stream changes nothing', async () => {
  const s = await meeting();
  s.connection.link.value = 'lost';
  expect(s.meeting.phase.value).toMatchObject({ at: 'reconnecting', why: 'network' });
  s.connection.resumed();
  expect(s.meeting.phase.value).toEqual({ at: 'joined' });
  expect(ids(s)).toEqual(['me', 'bbbbbbbb']);
});

test('a fresh session joins again: people keep their place and picture, lost messages are sent again', async () => {
  const s = await meeting();
  s.peer.tracks.get(5001)?.flow();
  const bob = s.meeting.participants.value[1];
  s.meeting.sendChat('did you hear me?');
  s.connection.link.value = 'lost';
  await enter(s, 'dddddddd', () => s.connection.member('eeeeeeee', 'Bob', { 'eeeeeeee-v0': on }, 'stats-bbbbbbbb'));
  await settled();
  expect(s.meeting.participants.value[1]).toBe(bob);
  expect(track(bob?.camera.value)).toBe('track 5001');
  expect(s.meeting.notices.value).toEqual([]);
  expect(s.connection.sent.filter((x) => x.name === 'message').map((x) => x.attrs['id'])).toEqual(['id1', 'id1']);
  expect(s.peer.closed).toBe(false);

  s.connection.request(initiate('s2'));
  await settled();
  const next = s.peers[1];
  if (!next) throw new Error('no second peer');
  next.state.value = 'connected';
  next.say({ colibriClass: 'VideoSourcesMap', mappedSources: [{ source: 'eeeeeeee-v0', owner: 'eeeeeeee', ssrc: 7001, rtx: 7002 }] });
  expect(track(bob?.camera.value)).toBe('track 5001');
  next.tracks.get(7001)?.flow();
  expect(track(bob?.camera.value)).toBe('track 7001');
  expect(s.meeting.phase.value).toEqual({ at: 'joined' });
});

test('the conference service is away for a moment', async () => {
  const s = setUp();
  s.meeting.join('Ann');
  s.connection.online('aaaaaaaa');
  await vi.waitFor(() => expect(s.connection.names()).toContain('iq conference'));
  s.connection.refuse('conference', 'service-unavailable');
  await vi.waitFor(() => expect(s.connection.names().filter((n) => n === 'iq conference')).toHaveLength(2));
  expect(s.meeting.phase.value).toEqual({ at: 'connecting' });
});

test('refusals end with a reason', async () => {
  const s = setUp();
  s.meeting.join('Ann');
  s.connection.online('aaaaaaaa');
  await vi.waitFor(() => expect(s.connection.names()).toContain('iq conference'));
  s.connection.refuse('conference', 'not-acceptable');
  await vi.waitFor(() => expect(s.meeting.phase.value).toMatchObject({ at: 'failed', why: 'refused' }));
  expect(s.connection.closed).toBe(true);
});

test('a box that does not answer', () => {
  vi.useFakeTimers();
  const s = setUp();
  s.meeting.join('Ann');
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  expect(s.meeting.phase.value).toEqual({ at: 'failed', why: 'unreachable' });
});

test('kicked, and by whom', async () => {
  const s = await joined();
  s.connection.options.handlers.presence(
    el(
      'presence',
      '',
      { from: `${room}/aaaaaaaa`, type: 'unavailable' },
      el(
        'x',
        ns.mucUser,
        {},
        el('item', ns.mucUser, { role: 'none' }, el('actor', ns.mucUser, { nick: 'bbbbbbbb' }), el('reason', ns.mucUser, {}, 'loud')),
        el('status', ns.mucUser, { code: 307 }),
        el('status', ns.mucUser, { code: 110 }),
      ),
    ),
  );
  expect(s.meeting.phase.value).toEqual({ at: 'left', why: 'kicked', by: 'Bob', text: 'loud' });
  expect(s.connection.closed).toBe(true);
});

test('leaving says goodbye and ends everything', async () => {
  const s = await meeting();
  s.meeting.leave();
  expect(s.meeting.phase.value).toEqual({ at: 'left', why: 'self' });
  expect(s.connection.sent.at(-1)?.attrs).toEqual({ to: `${room}/aaaaaaaa`, type: 'unavailable' });
  expect(s.peer.closed).toBe(true);
  expect(ids(s)).toEqual(['me']);
  s.meeting.leave();
  expect(s.connection.sent.filter((x) => x.attrs['type'] === 'unavailable')).toHaveLength(1);
});

test('moderator actions', async () => {
  const s = await joined();
  void s.meeting.mute('bbbbbbbb', 'video');
  expect(child(s.connection.sent.at(-1), 'mute')).toMatchObject({ ns: ns.muteVideo, attrs: { jid: `${room}/bbbbbbbb` } });
  void s.meeting.kick('bbbbbbbb');
  expect(child(child(s.connection.sent.at(-1), 'query'), 'item')?.attrs).toEqual({ nick: 'bbbbbbbb', role: 'none' });
  void s.meeting.grantModerator('bbbbbbbb');
  expect(child(child(s.connection.sent.at(-1), 'query'), 'item')?.attrs).toEqual({ affiliation: 'owner', jid: 'bbbbbbbb@meet.example' });
  s.connection.presence('aaaaaaaa', { code: '110', role: 'moderator' });
  expect(s.meeting.me.moderator.value).toBe(true);
  expect(s.meeting.notices.value.at(-1)?.kind).toBe('moderator');
  // Who moderates is no mere member when there is a lobby.
  s.connection.presence('cccccccc', { affiliation: 'owner', role: 'moderator' }, el('nick', ns.nick, {}, 'Cy'));
  void s.meeting.setLobby(true);
  const items = s.connection.sent.map((x) => child(child(x, 'query', ns.mucAdmin), 'item')?.attrs);
  expect(items.filter((item) => item?.['affiliation'] === 'member')).toEqual([{ affiliation: 'member', jid: 'bbbbbbbb@meet.example' }]);
});

test('chat: answers, reactions and deletions by their authors; a private line is found again', async () => {
  const s = await joined();
  const say = (nick: string, id: string, ...children: readonly Xml[]) =>
    s.connection.options.handlers.message(el('message', '', { from: `${room}/${nick}`, type: 'groupchat', id }, ...children));
  s.connection.chat('bbbbbbbb', 'Tea?', 'x1');
  s.meeting.sendChat('Yes', undefined, 'x1');
  const sent = s.connection.sent.at(-1);
  expect(child(sent, 'reply', ns.reply)?.attrs).toEqual({ to: 'x1', id: 'x1' });
  say('aaaaaaaa', sent?.attrs['id'] ?? '', el('body', '', {}, 'Yes'), el('reply', ns.reply, { to: 'x1' }));
  // As Jitsi's clients write it.
  say('bbbbbbbb', 'x2', el('body', '', {}, 'With milk?'), el('reply', ns.reply, { to: 'id1' }));
  expect(s.meeting.chat.value.map((m) => [m.text, m.replyTo])).toEqual([
    ['Tea?', ''],
    ['Yes', 'x1'],
    ['With milk?', 'id1'],
  ]);
  say('bbbbbbbb', 'x3', el('reactions', ns.reactions, { id: 'x1' }, el('reaction', ns.reactions, {}, '👍')));
  s.meeting.reactToChat('x1', '👍');
  s.meeting.reactToChat('x1', '👍');
  expect(s.connection.sent.filter((x) => child(x, 'reactions', ns.reactions))).toHaveLength(1);
  say('aaaaaaaa', 'x4', el('reactions', ns.reactions, { id: 'x1' }, el('reaction', ns.reactions, {}, '👍')));
  expect(s.meeting.chat.value[0]?.reactions).toEqual([{ emoji: '👍', own: true, by: [{ id: 'bbbbbbbb', name: 'Bob' }, { id: 'me', name: 'Ann' }] }]);
  // Nobody takes back what another has said.
  say('bbbbbbbb', 'x5', el('retract', ns.retract, { id: 'id1' }), el('body', '', {}, 'fallback'));
  say('bbbbbbbb', 'x6', el('retract', ns.retract, { id: 'x2' }), el('body', '', {}, 'fallback'));
  expect(s.meeting.chat.value.map((m) => m.retracted)).toEqual([false, false, true]);
  s.meeting.retractChat('x1');
  s.meeting.retractChat('id1');
  expect(s.connection.sent.filter((x) => child(x, 'retract', ns.retract)).map((x) => child(x, 'retract')?.attrs['id'])).toEqual(['id1']);
  expect(s.meeting.chat.value).toHaveLength(3);
});

test('chat: the history is no news and has the names of those who left; a reconnect repeats nothing', async () => {
  const s = await joined();
  const past = (nick: string, id: string, text: string, name = '') =>
    s.connection.options.handlers.message(
      el('message', '', { from: `${room}/${nick}`, type: 'groupchat', id }, el('body', '', {}, text), el('delay', ns.delay, { stamp: '2026-08-20T10:00:00Z' }), name === '' ? null : el('display-name', ns.displayName, {}, name)),
    );
  past('eeeeeeee', 'h1', 'early', 'Eve');
  past('bbbbbbbb', 'h2', 'late');
  expect(s.meeting.chat.value.map((m) => [m.name, m.text])).toEqual([
    ['Eve', 'early'],
    ['Bob', 'late'],
  ]);
  expect(s.meeting.unread.value).toBe(0);
  past('eeeeeeee', 'h1', 'early', 'Eve');
  s.connection.chat('bbbbbbbb', 'new', 'n1');
  s.connection.chat('bbbbbbbb', 'new', 'n1');
  expect(s.meeting.chat.value).toHaveLength(3);
  expect(s.meeting.unread.value).toBe(1);
});

test('chat: a fresh session says again what the former one may not have delivered', async () => {
  const s = await joined();
  s.meeting.sendChat('to all');
  s.meeting.sendChat('to Bob', 'bbbbbbbb');
  const [all, one] = s.connection.sent.filter((x) => x.name === 'message');
  if (!all || !one) throw new Error('nothing was sent');
  s.connection.lost = [all, one];
  const before = s.connection.sent.length;
  await enter(s, 'aaaaaaaa', () => s.connection.member('bbbbbbbb', 'Bob'));
  const again = s.connection.sent.slice(before).filter((x) => x.name === 'message');
  expect(again.map((x) => [x.attrs['type'], x.attrs['id'], textOf(child(x, 'body'))])).toEqual([
    ['groupchat', all.attrs['id'], 'to all'],
    ['chat', one.attrs['id'], 'to Bob'],
  ]);
});

test('into a breakout room and back: people, chat and addresses are those of the room', async () => {
  const s = await joined();
  s.connection.chat('bbbbbbbb', 'in the main room', 'x1');
  await vi.waitFor(() => expect(s.meeting.together.value).not.toBeNull());
  const breakout = 'r1@breakout.meet.example';
  s.meeting.together.value?.breakouts.join(breakout);
  expect(s.meeting.phase.value).toMatchObject({ at: 'reconnecting', why: 'moving' });
  expect(s.connection.sent.find((x) => x.attrs['type'] === 'unavailable')).toMatchObject({ attrs: { to: `${room}/aaaaaaaa` } });
  expect(ids(s)).toEqual(['me']);
  expect(s.meeting.chat.value).toEqual([]);
  await vi.waitFor(() => s.connection.answer('conference', el('conference', ns.focus, { ready: 'true', focusjid: 'focus@auth.meet.example' })));
  await vi.waitFor(() => expect(s.connection.sent.at(-1)?.attrs['to']).toBe(`${breakout}/aaaaaaaa`));
  // The room behind us says that we left; it is not ours any more.
  s.connection.presence('aaaaaaaa', { code: '110', type: 'unavailable' });
  const item = el('item', ns.mucUser, { role: 'participant', jid: 'a' });
  s.connection.options.handlers.presence(el('presence', '', { from: `${breakout}/aaaaaaaa` }, el('x', ns.mucUser, {}, item, el('status', ns.mucUser, { code: '110' }))));
  expect(s.meeting.phase.value).toEqual({ at: 'joined' });
  s.meeting.sendChat('between us');
  expect(s.connection.sent.at(-1)?.attrs['to']).toBe(breakout);
  // It is closed: back to where the others are.
  const destroyed = el('destroy', ns.mucUser, { jid: room });
  s.connection.options.handlers.presence(el('presence', '', { from: `${breakout}/aaaaaaaa`, type: 'unavailable' }, el('x', ns.mucUser, {}, item, destroyed, el('status', ns.mucUser, { code: '110' }))));
  expect(s.meeting.phase.value).toMatchObject({ at: 'reconnecting', why: 'moving' });
  expect(s.meeting.chat.value.map((m) => m.text)).toEqual(['in the main room']);
});

test('another network: another way in the same session, told with its generation', async () => {
  const s = await meeting();
  s.meeting.networkChanged();
  const asked = s.connection.sent.at(-1);
  const jingle = child(asked as Xml, 'jingle', ns.jingle);
  expect(jingle?.attrs['action']).toBe('session-info');
  expect(child(jingle, 'bridge-session')?.attrs).toMatchObject({ id: 'bs-s1', 'ice-restart': 'true' });
  s.connection.answer('jingle');
  const answer = s.connection.request(
    el('jingle', ns.jingle, { action: 'transport-info', sid: 's1' }, el('content', ns.jingle, { name: 'audio' }, el('transport', ns.ice, { ufrag: 'fresh', pwd: 'p', 'ice-generation': '3' }))),
  );
  expect(answer?.attrs['type']).toBe('result');
  await settled();
  expect(s.peer.routes).toEqual(['fresh']);
  const told = child(s.connection.sent.at(-1) as Xml, 'jingle', ns.jingle);
  expect(told?.attrs['action']).toBe('transport-info');
  expect(child(child(told, 'content'), 'transport')?.attrs).toMatchObject({ ufrag: 'ours', 'ice-generation': '3' });
  expect(s.peers).toHaveLength(1);
});

test('silence asks for another way after a second; only a connection that stays broken is made anew', async () => {
  const s = await meeting();
  vi.useFakeTimers();
  const actions = () => s.connection.sent.flatMap((x) => child(x, 'jingle', ns.jingle)?.attrs['action'] ?? []);
  s.peer.state.value = 'disconnected';
  expect(s.meeting.frozen.value).toBe(true);
  await vi.advanceTimersByTimeAsync(900);
  expect(actions()).not.toContain('session-info');
  await vi.advanceTimersByTimeAsync(200);
  expect(actions()).toContain('session-info');
  s.peer.state.value = 'failed';
  await vi.advanceTimersByTimeAsync(14_000);
  expect(actions()).not.toContain('session-terminate');
  await vi.advanceTimersByTimeAsync(1_500);
  expect(actions()).toContain('session-terminate');
  vi.useRealTimers();
});

test('the others say how their lines do, and hear of ours', async () => {
  const s = await meeting();
  s.peer.say({ colibriClass: 'EndpointStats', from: 'bbbbbbbb', connectionQuality: 23.5, bitrate: {} });
  s.peer.say({ colibriClass: 'EndpointStats', from: 'bbbbbbbb', connectionQuality: 'none of your business' });
  expect(s.meeting.participants.value[1]?.quality.value).toBe(23.5);
});

test('the bridge has too much to do, and again not', async () => {
  const s = await meeting();
  expect(s.meeting.thinned.value).toBe(false);
  s.peer.say({ colibriClass: 'VideoThinnedEvent', step: 1, reason: 'cpu' });
  expect(s.meeting.thinned.value).toBe(true);
  s.peer.say({ colibriClass: 'VideoThinnedEvent', step: 0 });
  expect(s.meeting.thinned.value).toBe(false);
  s.peer.say({ colibriClass: 'VideoThinnedEvent', step: 3, reason: 'packet rate' });
  s.connection.request(initiate('s2'));
  await settled();
  expect(s.meeting.thinned.value, 'another bridge has its own load').toBe(false);
});
