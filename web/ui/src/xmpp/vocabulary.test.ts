import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseBridgeMessage, printEndpointMessage, printVideoConstraints, printVideoType } from './colibri.ts';
import { parseAnswer, parseHttpAnswer, printRequest } from './conference.ts';
import { capsHash, features, parseDisco, parseIceServers, printFeatures } from './disco.ts';
import { parseMessage, printChat } from './message.ts';
import { ns } from './ns.ts';
import { parseError } from './stanza.ts';
import { el } from './xml.ts';

test('messages of the bridge', () => {
  const parse = (m: unknown) => parseBridgeMessage(JSON.stringify(m));
  expect(
    parse({ colibriClass: 'VideoSourcesMap', mappedSources: [{ source: 'b-v0', owner: 'b', ssrc: 5001, rtx: 5002, videoType: 'DESKTOP' }, { source: 'c-v0', owner: 'c', ssrc: 5003, rtx: '-1' }, { ssrc: -4 }] }),
  ).toEqual({
    kind: 'video-map',
    mapped: [
      { source: 'b-v0', owner: 'b', ssrc: 5001, rtx: 5002, screen: true },
      { source: 'c-v0', owner: 'c', ssrc: 5003, rtx: 0, screen: false },
    ],
  });
  expect(parse({ colibriClass: 'DominantSpeakerEndpointChangeEvent', dominantSpeakerEndpoint: 'b', previousSpeakers: ['c', 1] })).toEqual({
    kind: 'dominant-speaker',
    endpoint: 'b',
    previous: ['c'],
    silence: false,
  });
  expect(parse({ colibriClass: 'EndpointConnectivityStatusChangeEvent', endpoint: 'b', active: 'false' })).toEqual({ kind: 'connectivity', endpoint: 'b', active: false });
  expect(parse({ colibriClass: 'SenderSourceConstraints', sourceName: 'a-v0', maxHeight: 360 })).toEqual({ kind: 'sender-constraints', source: 'a-v0', maxHeight: 360 });
  expect(parse({ colibriClass: 'ForwardedSources', forwardedSources: ['b-v0'] })).toEqual({ kind: 'forwarded-sources', sources: ['b-v0'] });
  expect(parse({ colibriClass: 'EndpointMessage', from: 'b', msgPayload: { a: 1 } })).toEqual({ kind: 'endpoint-message', from: 'b', payload: { a: 1 } });
  expect(parse({ colibriClass: 'EndpointStats', from: 'b', bitrate: 1 })).toEqual({ kind: 'endpoint-stats', from: 'b', stats: { bitrate: 1 } });
  expect(parse({ colibriClass: 'ConnectionStats', estimatedDownlinkBandwidth: 7 })).toEqual({ kind: 'connection-stats', downlink: 7 });
  expect(parse({ colibriClass: 'VideoThinnedEvent', step: 2, reason: 'cpu' })).toEqual({ kind: 'video-thinned', step: 2 });
  expect(parse({ colibriClass: 'ServerHello', version: '1' })).toEqual({ kind: 'hello', version: '1' });
  expect(parse({ colibriClass: 'Tomorrow' })).toEqual({ kind: 'unknown', colibriClass: 'Tomorrow' });
  expect(parse([])).toBeUndefined();
  expect(parseBridgeMessage('{')).toBeUndefined();
});

test('any message of the bridge is read without an exception', () => {
  const classes = ['VideoSourcesMap', 'ForwardedSources', 'DominantSpeakerEndpointChangeEvent', 'EndpointStats', 'SenderSourceConstraints', 'EndpointMessage'];
  fc.assert(
    fc.property(fc.constantFrom(...classes), fc.dictionary(fc.constantFrom('mappedSources', 'forwardedSources', 'from', 'maxHeight', 'msgPayload'), fc.jsonValue()), (colibriClass, m) =>
      void parseBridgeMessage(JSON.stringify({ ...m, colibriClass })),
    ),
  );
});

test('messages to the bridge', () => {
  expect(JSON.parse(printVideoConstraints({ lastN: -1, defaultConstraints: { maxHeight: 180 } }))).toEqual({
    colibriClass: 'ReceiverVideoConstraints',
    lastN: -1,
    defaultConstraints: { maxHeight: 180 },
  });
  expect(JSON.parse(printVideoType('a-v1', 'desktop'))).toEqual({ colibriClass: 'SourceVideoTypeMessage', sourceName: 'a-v1', videoType: 'desktop' });
  expect(JSON.parse(printEndpointMessage('', { x: 1 }))).toEqual({ colibriClass: 'EndpointMessage', to: '', msgPayload: { x: 1 } });
});

test('the conference request and its answers', () => {
  const request = printRequest({ room: 'demo@muc.meet.example', machineUid: 'u', properties: { live: 'true' } });
  expect(request.attrs).toEqual({ room: 'demo@muc.meet.example', 'machine-uid': 'u' });
  const answer = { ready: true, focus: 'focus@auth.meet.example', sessionId: '', properties: { authentication: 'false' } };
  expect(
    parseAnswer(el('iq', '', {}, el('conference', ns.focus, { ready: 'true', focusjid: answer.focus }, el('property', ns.focus, { name: 'authentication', value: 'false' })))),
  ).toEqual(answer);
  expect(parseHttpAnswer({ ready: true, focusJid: answer.focus, properties: { authentication: false } })).toEqual(answer);
  const known = { ...answer, sessionId: 'f00d' };
  expect(parseAnswer(el('iq', '', {}, el('conference', ns.focus, { ready: 'true', focusjid: answer.focus, 'session-id': 'f00d' }, el('property', ns.focus, { name: 'authentication', value: 'false' }))))).toEqual(known);
  expect(parseHttpAnswer({ ready: true, focusJid: answer.focus, sessionId: 'f00d', properties: { authentication: false } })).toEqual(known);
  expect(parseHttpAnswer(null)).toBeUndefined();
  expect(parseAnswer(el('iq', ''))).toBeUndefined();
});

test('the caps hash is over the sorted features', async () => {
  // printf 'a<b<' | sha1sum | xxd -r -p | base64
  expect(await capsHash(['a', 'b'])).toBe('HiFqWGaJba8nmp2b+lSW8gbBTks=');
  const own = features({ ssrcRewriting: true, sctp: true });
  expect(own).toEqual(own.toSorted());
  expect(own).toContain('http://jitsi.org/ssrc-rewriting-1');
  expect(own).toContain('urn:xmpp:jingle:transports:dtls-sctp:1');
  expect(own.filter((f) => !features({ ssrcRewriting: false, sctp: false }).includes(f))).toHaveLength(2);
  const answer = printFeatures(el('query', ns.discoInfo, { node: 'n#v' }), own);
  expect(answer.attrs['node']).toBe('n#v');
  expect([...parseDisco(el('iq', '', {}, answer)).features]).toEqual(own);
});

test('what the room says of itself', () => {
  const iq = el(
    'iq',
    '',
    {},
    el(
      'query',
      ns.discoInfo,
      {},
      el('identity', ns.discoInfo, { category: 'conference', type: 'text', name: 'demo' }),
      el('feature', ns.discoInfo, { var: 'muc_open' }),
      el('x', ns.form, {}, el('field', ns.form, { var: 'muc#roominfo_created_timestamp' }, el('value', ns.form, {}, '1785600000000'))),
    ),
  );
  const disco = parseDisco(iq);
  expect(disco.identities).toEqual([{ category: 'conference', type: 'text', name: 'demo' }]);
  expect(disco.features.has('muc_open')).toBe(true);
  expect(disco.fields['muc#roominfo_created_timestamp']).toBe('1785600000000');
});

test('TURN servers', () => {
  const service = (attrs: Record<string, string>) => el('service', ns.extdisco, attrs);
  const iq = el(
    'iq',
    '',
    {},
    el(
      'services',
      ns.extdisco,
      {},
      service({ type: 'stun', host: 'box', port: '3478' }),
      service({ type: 'turn', host: '2001:db8::1', port: '443', transport: 'tcp', username: 'u', password: 'p' }),
      service({ type: 'turn', host: '2001:db8::1', port: '10000', transport: 'udp', username: 'u', password: 'p' }),
      service({ type: 'turns', host: 'box.example' }),
    ),
  );
  expect(parseIceServers(iq)).toEqual([{ urls: 'turn:[2001:db8::1]:443?transport=tcp', username: 'u', credential: 'p' }, { urls: 'turns:box.example' }]);
});

test('messages of a room', () => {
  const from = 'demo@muc.meet.example/b2c3d4e5';
  const chat = printChat({ to: 'demo@muc.meet.example', private: false }, 'M1', 'hi');
  expect(chat.attrs).toEqual({ to: 'demo@muc.meet.example', type: 'groupchat', id: 'M1' });
  expect(parseMessage({ ...chat, attrs: { ...chat.attrs, from } })).toEqual({ kind: 'chat', id: 'M1', nick: 'b2c3d4e5', text: 'hi', private: false, sent: null, name: '', replyTo: '' });
  const old = el('message', '', { from, type: 'groupchat', id: 'M0' }, el('body', '', {}, 'early'), el('delay', ns.delay, { stamp: '2026-08-20T10:00:00Z' }));
  expect(parseMessage(old)).toMatchObject({ kind: 'chat', sent: Date.parse('2026-08-20T10:00:00Z') });
  expect(parseMessage(el('message', '', { from, type: 'groupchat' }, el('subject', '', {}, 'Plan')))).toEqual({ kind: 'subject', text: 'Plan' });
  const json = el('message', '', { from }, el('json-message', ns.jitmeet, {}, '{"type":"polls","x":1}'));
  expect(parseMessage(json)).toEqual({ kind: 'json', from, type: 'polls', body: { type: 'polls', x: 1 } });
  expect(parseMessage(el('message', '', { from }, el('x', ns.mucUser, {}, el('status', ns.mucUser, { code: 104 }))))).toEqual({ kind: 'configured' });
  expect(parseMessage(el('message', '', { from }))).toBeUndefined();
  const error = el('message', '', { from, type: 'error', id: 'M1' }, el('error', '', { type: 'cancel' }, el('not-allowed', ns.stanzas), el('text', ns.stanzas, {}, 'too long')));
  expect(parseMessage(error)).toMatchObject({ kind: 'error', id: 'M1', error: { condition: 'not-allowed', message: 'too long' } });
});

test('errors with an application condition', () => {
  const error = parseError(
    el('iq', '', {}, el('error', '', { type: 'cancel' }, el('service-unavailable', ns.stanzas), el('reservation-error', ns.focus, { 'error-code': 409 }))),
  );
  expect(error.condition).toBe('service-unavailable');
  expect(error.has('reservation-error')).toBe(true);
  expect(parseError(el('iq', '')).condition).toBe('undefined-condition');
});
