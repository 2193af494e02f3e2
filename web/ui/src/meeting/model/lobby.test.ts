import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from '../../../test/parse.ts';
import { lobbyOf } from '../../xmpp/lobby.ts';
import { parseError } from '../../xmpp/stanza.ts';
import type { Xml } from '../../xmpp/xml.ts';
import { createLobby, type Knocker } from './lobby.ts';

const room = 'demo@muc.meet.jitsi';
const lobbyRoom = 'demo@lobby.meet.jitsi';
const user = 'http://jabber.org/protocol/muc#user';

let sent: Xml[];
let asked: Xml[];
let events: string[];
let list: readonly Knocker[];

function start() {
  return createLobby({
    room,
    send: (x) => sent.push(x),
    iq: (x) => {
      asked.push(x);
      return Promise.resolve(parse('<iq type="result"/>'));
    },
    newId: () => 'id',
    handlers: {
      admitted: () => events.push('admitted'),
      denied: () => events.push('denied'),
      ended: () => events.push('ended'),
      knocking: (now) => {
        list = now;
      },
    },
  });
}

beforeEach(() => {
  [sent, asked, events, list] = [[], [], [], []];
});

const last = () => sent.at(-1)?.attrs ?? {};
const mine = () => sent[0]?.attrs['to'] ?? '';
const presence = (from: string, inner: string, type = '') => parse(`<presence xmlns="jabber:client" from="${from}"${type === '' ? '' : ` type="${type}"`}><x xmlns="${user}">${inner}</x></presence>`);

test('where to wait is in the refusal', () => {
  const refusal = (extra: string) =>
    lobbyOf(parseError(parse(`<presence xmlns="jabber:client" type="error"><error type="auth"><registration-required xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>${extra}</error></presence>`)));
  expect(refusal(`<lobbyroom xmlns="http://jitsi.org/jitmeet">${lobbyRoom}</lobbyroom>`)).toBe(lobbyRoom);
  expect(refusal('')).toBe('');
});

describe('a guest', () => {
  test('knocks under a nick that is not the endpoint, and waits', () => {
    const lobby = start();
    lobby.knock(lobbyRoom, 'Front desk');
    expect(mine()).toMatch(/^demo@lobby\.meet\.jitsi\/[0-9a-f]{8}$/);
    expect(lobby.presence(presence(mine(), '<item affiliation="none" role="participant"/><status code="110"/>'))).toBe(true);
    expect(events).toEqual([]);
  });

  test('is let in by the room, and by nobody else', () => {
    const lobby = start();
    lobby.knock(lobbyRoom, 'Front desk');
    const word = (from: string) => parse(`<message xmlns="jabber:client" from="${from}"><x xmlns="${user}"><invite from="a@meet.jitsi"/></x></message>`);
    expect(lobby.message(word(`${room}/b2c3d4e5`))).toBe(false);
    expect(lobby.message(word(lobbyRoom))).toBe(false);
    expect(lobby.message(word(room))).toBe(true);
    expect(events).toEqual(['admitted']);
    expect(last()).toMatchObject({ to: mine(), type: 'unavailable' });
  });

  test.each([
    ['is turned away', '<item affiliation="none" role="none"/><status code="307"/><status code="110"/>', 'denied'],
    ['enters when the lobby is switched off', `<item affiliation="none" role="none"/><destroy jid="${room}"/><status code="110"/>`, 'admitted'],
    ['goes when the meeting is over', '<item affiliation="none" role="none"/><destroy/><status code="110"/>', 'ended'],
  ])('%s', (_, inner, event) => {
    const lobby = start();
    lobby.knock(lobbyRoom, 'Front desk');
    lobby.presence(presence(mine(), inner, 'unavailable'));
    expect(events).toEqual([event]);
  });
});

describe('a moderator', () => {
  const knocks = (id: string, name: string) =>
    parse(`<presence xmlns="jabber:client" from="${lobbyRoom}/${id}"><x xmlns="${user}"><item affiliation="none" role="participant" jid="${id}@meet.jitsi/x"/></x><nick xmlns="http://jabber.org/protocol/nick">${name}</nick></presence>`);

  test('sees who waits, lets in and turns away', async () => {
    const lobby = start();
    lobby.attend(lobbyRoom, 'Bridge deck');
    lobby.attend(lobbyRoom, 'Bridge deck');
    expect(sent.length, 'is there once').toBe(1);
    lobby.presence(presence(mine(), '<item affiliation="owner" role="moderator"/><status code="110"/>'));
    lobby.presence(knocks('aaaa0001', 'Front desk'));
    lobby.presence(knocks('aaaa0002', 'Kitchen'));
    expect(list.map((k) => k.name)).toEqual(['Front desk', 'Kitchen']);
    lobby.admit('aaaa0001');
    expect(last()['to']).toBe(room);
    expect(list.map((k) => k.name)).toEqual(['Kitchen']);
    await lobby.turnAway('aaaa0002');
    expect(asked[0]?.attrs['to']).toBe(lobbyRoom);
    lobby.presence(presence(`${lobbyRoom}/aaaa0002`, '<item affiliation="none" role="none"/><status code="307"/>', 'unavailable'));
    expect(list).toEqual([]);
  });

  test('leaves it when it is switched off', () => {
    const lobby = start();
    lobby.attend(lobbyRoom, 'Bridge deck');
    lobby.presence(knocks('aaaa0001', 'Front desk'));
    lobby.attend('', 'Bridge deck');
    expect(last()['type']).toBe('unavailable');
    expect(list).toEqual([]);
    expect(lobby.presence(knocks('aaaa0003', 'late'))).toBe(false);
  });
});
