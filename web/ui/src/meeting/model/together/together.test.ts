import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { fakeWire, room } from '../../../../test/wire.ts';
import { filePath } from '../../../xmpp/files.ts';
import { elements, textOf, type Xml } from '../../../xmpp/xml.ts';
import { createBreakouts } from './breakouts.ts';
import { createFiles } from './files.ts';
import { createMetadata } from './metadata.ts';
import { createModeration } from './moderation.ts';
import { createPolls } from './polls.ts';
import { createReactions } from './reactions.ts';
import { createSpeakers } from './speakers.ts';
import { UploadError, type Uploads } from './uploads.ts';

const json = (x: Xml | undefined) => JSON.parse(textOf(x)) as Record<string, unknown>;

describe('pushes', () => {
  test('come from the service that the domain names, or are nobody’s', () => {
    const s = fakeWire();
    const polls = createPolls(s.wire);
    const poll = { type: 'polls', command: 'new-poll', pollId: 'p', senderId: 'bbbbbbbb', question: 'Q?', answers: [{ name: 'A' }, { name: 'B' }] };
    s.push('polls', poll, 'mallory@meet.example/r');
    s.push('polls', poll, 'file-sharing.meet.example');
    expect(polls.list.value).toEqual([]);
    s.push('polls', poll);
    expect(polls.list.value).toHaveLength(1);
  });

  test('that came before anybody listened are kept for who does', () => {
    const s = fakeWire();
    s.push('polls', { command: 'old-polls', polls: [{ pollId: 'p', senderId: 'x', question: 'Q?', answers: [] }] });
    expect(createPolls(s.wire).list.value).toMatchObject([{ id: 'p', question: 'Q?' }]);
  });
});

describe('polls', () => {
  const asked = { type: 'polls', command: 'new-poll', pollId: 'p1', senderId: 'bbbbbbbb', senderName: 'Ben', question: 'Tea?', answers: [{ name: 'Yes' }, { name: 'No' }] };
  const vote = (senderId: string, answers: readonly boolean[], senderName = '') => ({ type: 'polls', command: 'answer-poll', pollId: 'p1', senderId, senderName, answers });

  test('votes are counted by who the service says has voted; a later vote replaces the former', () => {
    const s = fakeWire();
    const polls = createPolls(s.wire);
    s.push('polls', asked);
    expect(s.notices).toEqual([{ kind: 'poll', name: 'Ben', text: 'Tea?' }]);
    expect(polls.unseen.value).toBe(1);
    polls.looking(true);
    expect(polls.unseen.value).toBe(0);
    s.push('polls', vote('cccccccc', [true, false]));
    s.push('polls', vote('aaaaaaaa', [true, true]));
    expect(polls.list.value[0]).toMatchObject({ votes: 2, mine: [true, true], own: false });
    s.push('polls', vote('cccccccc', [false, true]));
    expect(polls.list.value[0]?.answers.map((a) => a.voters.map((v) => v.name))).toEqual([['Ada'], ['Ada', 'Cleo']]);
    // Somebody who has left keeps the name the service has.
    s.push('polls', vote('eeeeeeee', [true, false], 'Eve'));
    expect(polls.list.value[0]?.answers[0]?.voters.map((v) => v.name)).toEqual(['Ada', 'Eve']);
  });

  test('our own polls are no news, and go out in Jitsi’s form', () => {
    const s = fakeWire();
    const polls = createPolls(s.wire);
    polls.create('Tea?', ['Yes', 'No']);
    expect(s.sent[0]?.service).toBe('polls');
    expect(json(s.sent[0]?.payload)).toEqual({ type: 'polls', command: 'new-poll', pollId: 'id1', question: 'Tea?', answers: [{ name: 'Yes' }, { name: 'No' }] });
    s.push('polls', { ...asked, pollId: 'id1', senderId: 'aaaaaaaa' });
    expect(polls.list.value[0]?.own).toBe(true);
    expect([s.notices, polls.unseen.value]).toEqual([[], 0]);
    polls.vote('id1', [true, false]);
    expect(json(s.sent[1]?.payload)).toEqual({ type: 'polls', command: 'answer-poll', pollId: 'id1', answers: [true, false] });
    // A fresh session: the list is told anew.
    s.bus.fresh();
    expect(polls.list.value).toEqual([]);
  });
});

describe('moderation', () => {
  const state = (enabled: boolean, mediaType = 'audio', actor = `${room}/bbbbbbbb`) => ({ type: 'av_moderation', enabled, mediaType, actor, room });

  test('while it is on, only moderators and who is let may unmute', () => {
    const s = fakeWire();
    const m = createModeration(s.wire, createMetadata(s.wire));
    expect(m.may('audio')).toBe(true);
    s.push('av_moderation', state(true));
    expect([m.may('audio'), m.may('video')]).toEqual([false, true]);
    expect(s.notices).toEqual([{ kind: 'moderation', medium: 'audio', on: true }]);
    s.push('av_moderation', { type: 'av_moderation', approved: true, mediaType: 'audio' });
    expect(m.may('audio')).toBe(true);
    expect(s.notices.at(-1)).toEqual({ kind: 'allowed', medium: 'audio', allowed: true });
    s.push('av_moderation', { type: 'av_moderation', removed: true, mediaType: 'audio' });
    expect(m.may('audio')).toBe(false);
    s.me.moderator.value = true;
    expect(m.may('audio')).toBe(true);
  });

  test('a moderator sees who may, and lets somebody', () => {
    const s = fakeWire();
    const m = createModeration(s.wire, createMetadata(s.wire));
    s.push('av_moderation', state(true, 'audio', `${room}/aaaaaaaa`));
    expect(s.notices, 'what we did ourselves is no news').toEqual([]);
    expect(m.mayOther(s.ben, 'audio')).toBe(false);
    s.push('av_moderation', { type: 'av_moderation', whitelists: { audio: [`${room}/bbbbbbbb`], video: [] } });
    expect([m.mayOther(s.ben, 'audio'), m.mayOther(s.cleo, 'audio')]).toEqual([true, false]);
    m.allow('cccccccc', 'audio', true);
    expect(s.sent.at(-1)?.payload.attrs).toEqual({ mediaType: 'audio', jidToWhitelist: `${room}/cccccccc` });
    m.set('video', true);
    expect(s.sent.slice(-2).map((x) => x.payload.attrs)).toEqual([
      { enable: 'true', mediaType: 'video' },
      { enable: 'true', mediaType: 'desktop' },
    ]);
    m.setStartMuted('audio', true);
    expect(json(s.sent.at(-1)?.payload)).toEqual({ type: 'room_metadata', key: 'startMuted', data: { audio: true, video: false } });
    s.push('room_metadata', { type: 'room_metadata', metadata: { startMuted: { audio: true, video: false } } });
    expect(m.startMuted.value).toEqual({ audio: true, video: false });
  });

  test('muting all spares us, who is muted, and who is excepted', async () => {
    const s = fakeWire();
    const m = createModeration(s.wire, createMetadata(s.wire));
    await m.muteAll('audio', ['bbbbbbbb']);
    expect(s.asked.map((x) => elements(x)[0]?.attrs['jid'])).toEqual([`${room}/cccccccc`]);
    s.cleo.audioMuted.value = true;
    await m.muteAll('audio', ['bbbbbbbb']);
    expect(s.asked).toHaveLength(1);
  });
});

describe('reactions', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('what is sent in a moment is one message; what comes flies; unknown ones do not', () => {
    const s = fakeWire();
    const r = createReactions(s.wire, () => 0);
    r.send('like');
    r.send('clap');
    vi.runAllTimers();
    expect(s.told).toEqual([{ name: 'endpoint-reaction', reactions: ['like', 'clap'], timestamp: 0 }]);
    s.bus.told(s.ben, { name: 'endpoint-reaction', reactions: ['boo', 'constructor', 7, 'love'] });
    expect(r.flying.value.map((f) => [f.reaction, f.name])).toEqual([
      ['like', 'Ada'],
      ['clap', 'Ada'],
      ['boo', 'Ben'],
      ['love', 'Ben'],
    ]);
    r.landed(r.flying.value[0]?.id ?? 0);
    expect(r.flying.value).toHaveLength(3);
  });

  test('nobody sends more than ten in five seconds', () => {
    const s = fakeWire();
    let now = 0;
    const r = createReactions(s.wire, () => now);
    expect(Array.from({ length: 11 }, () => r.send('like')).filter(Boolean)).toHaveLength(10);
    s.bus.told(s.ben, { name: 'endpoint-reaction', reactions: Array.from({ length: 30 }, () => 'clap') });
    expect(r.flying.value.filter((f) => f.name === 'Ben')).toHaveLength(10);
    now = 5_001;
    expect(r.send('like')).toBe(true);
  });
});

describe('speaking time', () => {
  test('is counted while somebody is the dominant speaker, on top of what the service has', () => {
    const s = fakeWire();
    let now = 1_000;
    const speakers = createSpeakers(s.wire, () => now);
    s.push('speakerstats', { users: { bbbbbbbb: { displayName: 'Ben', totalDominantSpeakerTime: 5_000 }, eeeeeeee: { displayName: 'Eve', totalDominantSpeakerTime: 9_000 } } });
    s.dominantSpeaker.value = 'bbbbbbbb';
    now = 4_000;
    s.dominantSpeaker.value = 'me';
    expect(s.sent.map((x) => [x.service, x.payload.attrs['silence']])).toEqual([['speakerstats', 'false']]);
    now = 5_500;
    expect(speakers.at(now).map((x) => [x.name, x.total, x.here, x.speaking])).toEqual([
      ['Eve', 9_000, false, false],
      ['Ben', 8_000, true, false],
      ['Ada', 1_500, true, true],
      ['Cleo', 0, true, false],
    ]);
  });
});

describe('breakout rooms', () => {
  const jid = (name: string) => `${name}@breakout.meet.example`;
  const update = {
    event: 'features/breakout-rooms/update',
    roomCounter: 3,
    rooms: {
      r10: { id: 'r10', jid: jid('r10'), name: 'Room 10', participants: {} },
      demo: {
        id: 'demo',
        jid: room,
        isMainRoom: true,
        participants: {
          [`${room}/aaaaaaaa`]: { jid: 'a', role: 'moderator', displayName: 'Ada' },
          [`${room}/bbbbbbbb`]: { jid: 'b', role: 'participant', displayName: 'Ben' },
          [`${room}/cccccccc`]: { jid: 'c', role: 'participant', displayName: 'Cleo' },
        },
      },
      r2: { id: 'r2', jid: jid('r2'), name: 'Room 2', participants: { [`${jid('r2')}/dddddddd`]: { role: 'participant', displayName: 'Dan' } } },
    },
  };

  test('the main one is first, the others by number; people are spread where there are fewest', () => {
    const s = fakeWire();
    const b = createBreakouts(s.wire, () => 0.5);
    s.push('breakout_rooms', update);
    expect(b.rooms.value.map((r) => r.name)).toEqual(['', 'Room 2', 'Room 10']);
    expect(b.next.value).toBe(4);
    b.assign();
    const sends = s.sent.map((x) => [x.payload.attrs['participantJid'], x.payload.attrs['roomJid']]);
    expect(sends).toHaveLength(2);
    expect(sends.map(([, to]) => to)).toEqual([jid('r10'), jid('r2')]);
    expect(sends.map(([who]) => who).toSorted()).toEqual([`${room}/bbbbbbbb`, `${room}/cccccccc`]);
    b.bringBack();
    expect(s.sent.at(-1)?.payload.attrs).toMatchObject({ type: 'features/breakout-rooms/move-to-room', participantJid: `${jid('r2')}/dddddddd`, roomJid: room });
  });

  test('who was on the way to a room when all were brought back is brought back too, once', () => {
    const s = fakeWire();
    const b = createBreakouts(s.wire);
    const arrives = (who: string) => {
      const there = { [`${jid('r10')}/${who}`]: { role: 'participant', displayName: who } };
      s.push('breakout_rooms', { ...update, rooms: { ...update.rooms, r10: { ...update.rooms.r10, participants: there } } });
    };
    s.push('breakout_rooms', update);
    b.bringBack();
    arrives('eeeeeeee');
    arrives('eeeeeeee');
    const called = () => s.sent.map((x) => x.payload.attrs['participantJid']);
    expect(called()).toEqual([`${jid('r2')}/dddddddd`, `${jid('r10')}/eeeeeeee`]);
    // Until somebody is sent anew.
    b.send(`${room}/bbbbbbbb`, jid('r10'));
    arrives('bbbbbbbb');
    expect(called()).toHaveLength(3);
  });

  test('we go where the service sends us, but only to rooms of this meeting', () => {
    const s = fakeWire();
    const b = createBreakouts(s.wire);
    const move = (to: string) => s.push('breakout_rooms', { event: 'features/breakout-rooms/move-to-room', roomJid: to });
    move(jid('r2'));
    expect(s.moves).toEqual([]);
    s.push('breakout_rooms', update);
    move(jid('r2'));
    expect(s.moves).toEqual([jid('r2')]);
    expect(b.away.value).toBe(true);
    expect(s.notices).toEqual([{ kind: 'moved', room: 'Room 2' }]);
    move(room);
    expect(s.moves.at(-1)).toBe(room);
    move('elsewhere@muc.meet.example');
    expect(s.moves).toHaveLength(2);
  });
});

describe('files', () => {
  function setUp() {
    const s = fakeWire();
    const going: { file: File; progress: (n: number) => void; aborted: AbortSignal; done: (id: string) => void; fail: (e: Error) => void }[] = [];
    const uploads: Uploads = {
      service: () => Promise.resolve({ address: 'upload.meet.example', most: 1000 }),
      send: (file, progress, aborted) => new Promise((done, fail) => going.push({ file, progress, aborted, done, fail })),
    };
    return { ...s, files: createFiles(s.wire, uploads), going };
  }
  const file = (name: string) => new File(['x'], name);
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test('two go at once; what has arrived is told to the room, and deleted by its author', async () => {
    const s = setUp();
    s.files.share([file('a.png'), file('b'), file('c')]);
    expect(s.going.map((g) => g.file.name)).toEqual(['a.png', 'b']);
    s.going[0]?.progress(1);
    expect(s.files.uploads.value[0]?.sent.value).toBe(1);
    s.going[0]?.done('f1');
    await settled();
    expect(s.going.map((g) => g.file.name)).toEqual(['a.png', 'b', 'c']);
    expect(json(s.sent[0]?.payload)).toMatchObject({ fileId: 'f1', fileName: 'a.png', fileSize: 1, fileType: 'png' });
    expect(s.files.list.value).toMatchObject([{ id: 'f1', name: 'a.png', own: true, author: 'Ada', picture: true, url: 'https://box.example/upload/f1/a.png' }]);
    s.files.remove('f1');
    expect(s.files.list.value).toEqual([]);
    expect(s.sent.at(-1)?.payload.attrs).toMatchObject({ type: 'remove', fileId: 'f1' });
  });

  test('one that is stopped goes no further; one that failed is sent again', async () => {
    const s = setUp();
    s.files.share([file('a'), file('b')]);
    s.files.cancel(s.files.uploads.value[0]?.id ?? '');
    expect(s.going[0]?.aborted.aborted).toBe(true);
    expect(s.files.uploads.value.map((u) => u.name)).toEqual(['b']);
    s.going[1]?.fail(new UploadError('full'));
    await settled();
    expect(s.files.uploads.value[0]?.problem.value).toBe('full');
    s.going[0]?.fail(new Error('aborted'));
    s.files.again(s.files.uploads.value[0]?.id ?? '');
    await settled();
    s.going.at(-1)?.done('f2');
    await settled();
    expect(s.files.uploads.value).toEqual([]);
    expect(s.files.list.value.map((f) => f.name)).toEqual(['b']);
  });

  test('a room that has lost its list is told of our own files again, once; a list that is there is not repeated', async () => {
    const s = setUp();
    s.files.share([file('a'), file('b')]);
    for (const [i, id] of ['f1', 'f2'].entries()) s.going[i]?.done(id);
    await settled();
    s.push('file-sharing', { event: 'add', file: { fileId: 'f3', fileName: 'c.jpg', timestamp: 2, authorParticipantId: 'bbbbbbbb', authorParticipantName: 'Ben' } });
    vi.useFakeTimers();
    const again = () => s.sent.slice(2).map((x) => json(x.payload)['fileId']);
    s.bus.fresh();
    expect(s.files.list.value).toEqual([]);
    s.bus.fresh(); // the connection was lost once more on the way in
    s.bus.entered();
    s.bus.entered();
    s.push('file-sharing', { event: 'list', files: { f2: { fileId: 'f2', fileName: 'b', fileSize: 1, timestamp: 1, authorParticipantId: 'aaaaaaaa' } } });
    vi.advanceTimersByTime(5000);
    expect(again()).toEqual(['f1']);
    expect(s.files.list.value.map((f) => f.id).toSorted()).toEqual(['f1', 'f2']);
    s.bus.fresh();
    s.moves.push('elsewhere');
    s.wire.moveTo('other@breakout.meet.example');
    s.bus.entered();
    vi.advanceTimersByTime(5000);
    expect(again(), 'not in another room').toEqual(['f1']);
    vi.useRealTimers();
  });

  test('who joins is told what there is; others’ files are news', () => {
    const s = setUp();
    s.push('file-sharing', { event: 'list', files: { f1: { fileId: 'f1', fileName: 'plan.pdf', fileSize: 9, timestamp: 1, authorParticipantId: 'eeeeeeee', authorParticipantName: 'Eve' } } });
    expect(s.files.list.value).toMatchObject([{ author: 'Eve', own: false, picture: false }]);
    expect(s.files.unseen.value).toBe(0);
    s.push('file-sharing', { event: 'add', file: { fileId: 'f2', fileName: 'b.jpg', timestamp: 2, authorParticipantId: 'bbbbbbbb', authorParticipantName: 'Ben' } });
    expect(s.files.list.value.map((f) => f.name)).toEqual(['b.jpg', 'plan.pdf']);
    expect(s.files.unseen.value).toBe(1);
    expect(s.notices).toEqual([{ kind: 'file', name: 'Ben', file: 'b.jpg' }]);
    s.push('file-sharing', { event: 'remove', fileId: 'f2' });
    expect(s.files.list.value).toHaveLength(1);
  });

  test.each([
    ['plan.pdf', 'plan.pdf'],
    ['Überblick 2026.pdf', '__berblick_2026.pdf'],
    ['.profile', '_profile'],
    ['../a/b', '_._a_b'],
  ])('the path of %s is as the box writes it', (name, path) => {
    expect(filePath('1', name)).toBe(`/upload/1/${path}`);
  });
});
