import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parse } from '../../test/parse.ts';
import { endpointOf, roomNode } from './jid.ts';
import { parsePresence, parseProfile, printJoin, printProfile, refusal, type Profile } from './presence.ts';
import { child, childrenOf, el, print } from './xml.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((s) => s.replace(/[\p{Cc}\p{Cs}\u2028\u2029\ufffe\uffff]/gu, ''));
const profile: fc.Arbitrary<Profile> = fc.record({
  name: text,
  statsId: fc.stringMatching(/^[a-z0-9-]{0,12}$/),
  codecs: fc.subarray(['vp8', 'vp9', 'h264', 'av1']),
  sources: fc.dictionary(fc.constantFrom('n-a0', 'n-v0', 'n-v1'), fc.record({ muted: fc.boolean(), screen: fc.boolean() }), { noNullPrototype: true }),
  raisedHand: fc.nat(),
  recording: fc.boolean(),
  caps: fc.stringMatching(/^[a-zA-Z0-9+/=]{0,28}$/),
});

test('a profile reads back the same', () => {
  fc.assert(
    fc.property(profile, (p) => {
      const x = { ...printJoin('demo@muc.meet.example/n', {}, printProfile(p, 'https://example/node')), ns: 'jabber:client' };
      expect(parseProfile(parse(print(x)), 'n')).toEqual(p);
    }),
  );
});

test('a join names the room and keeps the password', () => {
  const x = printJoin('demo@muc.meet.example/n', { password: 'p', billingId: 'b' }, []);
  expect(print({ ...x, ns: 'jabber:client' })).toBe(
    '<presence xmlns="jabber:client" to="demo@muc.meet.example/n"><x xmlns="http://jabber.org/protocol/muc"><password>p</password><billingid>b</billingid></x></presence>',
  );
});

const room = (inner: string, attrs = '') =>
  parsePresence(parse(`<presence xmlns="jabber:client" from="demo@muc.meet.example/b2c3d4e5" ${attrs}>${inner}</presence>`));
const user = (item: string, more = '') => `<x xmlns="http://jabber.org/protocol/muc#user"><item ${item}/>${more}</x>`;

test('a member', () => {
  const p = room(
    `<SourceInfo>{"b2c3d4e5-a0":{"muted":true},"b2c3d4e5-v1":{"muted":false,"videoType":"desktop"},"other-v0":{"muted":false}}</SourceInfo>
     <nick xmlns="http://jabber.org/protocol/nick">Bob</nick>${user('affiliation="owner" role="moderator" jid="b@meet.example/r"', '<status code="110"/>')}`,
  );
  expect(p).toMatchObject({
    kind: 'available',
    occupant: {
      nick: 'b2c3d4e5',
      name: 'Bob',
      jid: 'b@meet.example/r',
      role: 'moderator',
      affiliation: 'owner',
      self: true,
      sources: { 'b2c3d4e5-a0': { muted: true, screen: false }, 'b2c3d4e5-v1': { muted: false, screen: true } },
    },
  });
});

test('the focus', () => {
  expect(
    room(
      `<conference-properties xmlns="http://jitsi.org/protocol/focus"><property key="bridge-count" value="1"/></conference-properties><bridgeNotAvailable xmlns="http://jitsi.org/protocol/focus"/>${user('affiliation="owner" role="moderator"')}`,
    ),
  ).toMatchObject({ kind: 'available', occupant: { properties: { 'bridge-count': '1' }, bridgeNotAvailable: true } });
});

test('old clients, without SourceInfo', () => {
  expect(room(`<audiomuted>true</audiomuted><videomuted>false</videomuted>${user('role="participant"')}`)).toMatchObject({
    occupant: { sources: { 'b2c3d4e5-a0': { muted: true }, 'b2c3d4e5-v0': { muted: false } } },
  });
});

test('leaving, kicked, room gone', () => {
  expect(room(user('role="none"'), 'type="unavailable"')).toMatchObject({ kind: 'left', departure: { kicked: false, destroyed: false, self: false } });
  expect(
    room(
      '<x xmlns="http://jabber.org/protocol/muc#user"><item role="none"><actor nick="a1b2c3d4"/><reason>loud</reason></item><status code="307"/><status code="110"/></x>',
      'type="unavailable"',
    ),
  ).toMatchObject({ departure: { kicked: true, self: true, actor: 'a1b2c3d4', reason: 'loud' } });
  expect(
    room(
      '<x xmlns="http://jabber.org/protocol/muc#user"><item role="none"/><destroy jid="x@y"><reason>over</reason></destroy><status code="110"/></x>',
      'type="unavailable"',
    ),
  ).toMatchObject({ departure: { destroyed: true, reason: 'over', alternative: 'x@y' } });
});

test('not a member of anything', () => {
  expect(room('')).toBeUndefined();
  expect(parsePresence(el('presence', ''))).toBeUndefined();
});

test('refused joins', () => {
  const why = (inner: string) => {
    const p = room(`<error type="cancel">${inner}</error>`, 'type="error"');
    return p?.kind === 'error' ? refusal(p.error) : undefined;
  };
  const condition = (c: string) => `<${c} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>`;
  expect(why(condition('not-authorized'))).toBe('password');
  expect(why(condition('registration-required'))).toBe('lobby');
  expect(why(condition('service-unavailable'))).toBe('full');
  expect(why(condition('conflict'))).toBe('conflict');
  expect(why(`${condition('not-allowed')}<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">Room creation is restricted</text>`)).toBe('no-room');
  expect(why(`${condition('not-allowed')}<room-does-not-exist xmlns="http://jitsi.org/jitmeet"/>`)).toBe('no-room');
  expect(why(condition('not-allowed'))).toBe('other');
});

test('any SourceInfo is read without an exception', () => {
  fc.assert(fc.property(fc.string(), fc.json(), (a, b) => void [a, b].map((s) => parseProfile(el('presence', '', {}, el('SourceInfo', '', {}, s)), 'n'))));
});

test('room names from what people type', () => {
  expect(roomNode('Team Meeting/2')).toBe('team%20meeting%2f2');
  expect(roomNode('Größe & Maß')).toBe('gr%c3%b6%c3%9fe%20%26%20ma%c3%9f');
  expect(roomNode("O'Neil 😀")).toBe('o%27neil%20%f0%9f%98%80');
  expect(roomNode('daily')).toBe('daily');
});

test('endpoint ids', () => {
  expect(endpointOf('A1B2C3D4-0000-4000-8000-000000000001@meet.example/r')).toBe('a1b2c3d4');
  expect(endpointOf('anna@meet.example/r', () => 0.99)).toBe('ffffffff');
  expect(childrenOf(undefined, 'x')).toEqual([]);
  expect(child(undefined, 'x')).toBeUndefined();
});
