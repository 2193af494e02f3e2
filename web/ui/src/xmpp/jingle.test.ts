import fc from 'fast-check';
import { expect, test } from 'vitest';

import { sets } from '../../test/arbitraries.ts';
import { parse } from '../../test/parse.ts';
import { jingleOf, parseJingle, printAccept, printInitiate, printSources, printTerminate, type Content, type Initiate } from './jingle.ts';
import { child, childrenOf, print } from './xml.ts';

const word = fc.stringMatching(/^[A-Za-z0-9+/]{1,12}$/);
const transport = fc.record({
  ufrag: word,
  pwd: word,
  fingerprints: fc.array(fc.record({ hash: fc.constant('sha-256'), setup: fc.constantFrom('actpass', 'active'), value: word }), { maxLength: 2 }),
  candidates: fc.array(
    fc.record({
      foundation: word,
      component: fc.constant(1),
      protocol: fc.constantFrom('udp', 'tcp'),
      priority: fc.nat(),
      ip: fc.constantFrom('192.0.2.1', '2001:db8::1'),
      port: fc.integer({ min: 1, max: 65535 }),
      type: fc.constant('host'),
      relatedAddress: fc.constant(''),
      relatedPort: fc.constant(0),
      tcpType: fc.constantFrom('', 'passive'),
    }),
    { maxLength: 3 },
  ),
  sctpPort: fc.constantFrom(0, 5000),
  webSockets: fc.array(fc.constant('wss://box.example/colibri-ws/b/c/e?pwd=p&x=1'), { maxLength: 1 }),
});
const codec = fc.record({
  id: fc.integer({ min: 0, max: 127 }),
  name: word,
  clockrate: fc.constantFrom(8000, 48000, 90000),
  channels: fc.constantFrom(1, 2),
  parameters: fc.array(fc.record({ name: fc.oneof(fc.constant(''), word), value: word }), { maxLength: 3 }),
  feedback: fc.array(fc.record({ type: word, subtype: fc.oneof(fc.constant(''), word) }), { maxLength: 3 }),
});
const media = (kind: 'audio' | 'video'): fc.Arbitrary<Content> =>
  fc.record({
    name: fc.constant(kind),
    media: fc.constant(kind),
    codecs: fc.array(codec, { maxLength: 3 }),
    extensions: fc.array(fc.record({ id: fc.integer({ min: 1, max: 14 }), uri: word }), { maxLength: 3 }),
    extmapAllowMixed: fc.boolean(),
    transport,
  });
const data: fc.Arbitrary<Content> = transport.map((t) => ({
  name: 'data',
  media: 'application',
  codecs: [],
  extensions: [],
  extmapAllowMixed: false,
  transport: t,
}));
const initiate: fc.Arbitrary<Initiate> = fc.record({
  sid: word,
  initiator: word,
  contents: fc.tuple(media('audio'), media('video'), data).map((c) => [...c]),
  sources: sets,
  bridgeSession: word,
  startMuted: fc.record({ audio: fc.boolean(), video: fc.boolean() }),
});

test('a session-initiate reads back the same', () => {
  fc.assert(
    fc.property(initiate, (session) => {
      const action = parseJingle(parse(print(printInitiate(session))));
      if (action.action !== 'session-initiate') throw new Error(action.action);
      const byMedia = (set: Initiate['sources']) => ({
        sources: (['audio', 'video'] as const).flatMap((m) => set.sources.filter((s) => s.media === m)),
        groups: set.groups,
      });
      expect(action).toEqual({ ...session, action: 'session-initiate', sources: byMedia(session.sources) });
    }),
    { numRuns: 50 },
  );
});

const example = `<iq xmlns="jabber:client" type="set" id="j1" from="demo@muc.meet.example/focus" to="n@meet.example/r">
<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" sid="k9f2" initiator="focus@auth.meet.example/focus">
 <content creator="initiator" senders="both" name="audio">
  <description xmlns="urn:xmpp:jingle:apps:rtp:1" media="audio" maxptime="60">
   <rtp-hdrext xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0" id="1" uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level"/>
   <payload-type id="111" name="opus" clockrate="48000" channels="2"><parameter name="minptime" value="10"/>
    <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="transport-cc"/></payload-type><rtcp-mux/>
  </description>
  <transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="4kq1" pwd="b7p0">
   <fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="sha-256" setup="actpass">AB:CD</fingerprint>
   <candidate foundation="2" component="1" protocol="udp" priority="1694498815" ip="198.51.100.4" port="10000" type="srflx" rel-addr="203.0.113.9" rel-port="10000" generation="0" id="c2" network="0"/>
  </transport>
 </content>
 <content creator="initiator" senders="both" name="data">
  <description xmlns="urn:xmpp:jingle:apps:rtp:1" media="application"/>
  <transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="4kq1" pwd="b7p0"><sctpmap xmlns="urn:xmpp:jingle:transports:dtls-sctp:1" number="5000" protocol="webrtc-datachannel" streams="1024"/></transport>
 </content>
 <startmuted xmlns="http://jitsi.org/jitmeet/start-muted" audio="true" video="false"/>
 <bridge-session xmlns="http://jitsi.org/protocol/focus" id="bs-7f31" region="eu"/>
 <json-message xmlns="http://jitsi.org/jitmeet">{"sources":{"b2c3d4e5":[[{"s":1111,"n":"b2c3d4e5-v0","m":"Ms1 Tv1"},{"s":1112,"n":"b2c3d4e5-v0","m":"Ms1 Tv1"}],[["f",1111,1112]]]}}</json-message>
</jingle></iq>`;

test('an offer as the focus writes it', () => {
  const jingle = jingleOf(parse(example));
  if (!jingle) throw new Error('no jingle');
  const action = parseJingle(jingle);
  if (action.action !== 'session-initiate') throw new Error(action.action);
  expect(action.sid).toBe('k9f2');
  expect(action.bridgeSession).toBe('bs-7f31');
  expect(action.startMuted).toEqual({ audio: true, video: false });
  expect(action.contents.map((c) => c.media)).toEqual(['audio', 'application']);
  expect(action.contents[0]?.codecs[0]).toEqual({
    id: 111,
    name: 'opus',
    clockrate: 48000,
    channels: 2,
    parameters: [{ name: 'minptime', value: '10' }],
    feedback: [{ type: 'transport-cc', subtype: '' }],
  });
  expect(action.contents[0]?.transport.candidates[0]).toMatchObject({ type: 'srflx', relatedAddress: '203.0.113.9', relatedPort: 10000 });
  expect(action.contents[1]?.transport.sctpPort).toBe(5000);
  expect(action.sources.sources.map((s) => s.ssrc)).toEqual([1111, 1112]);

  const accept = printAccept(action, 'n@meet.example/r', { contents: action.contents, sources: action.sources });
  expect(accept.attrs).toEqual({ action: 'session-accept', initiator: 'focus@auth.meet.example/focus', responder: 'n@meet.example/r', sid: 'k9f2' });
  expect(childrenOf(accept, 'content').map((c) => [c.attrs['name'], c.attrs['creator']])).toEqual([
    ['audio', 'responder'],
    ['data', 'responder'],
  ]);

  const add = printSources('source-add', action, action.sources);
  expect(parseJingle(parse(print(add)))).toMatchObject({ action: 'source-add', sid: 'k9f2', sources: { sources: [{ ssrc: 1111, owner: 'b2c3d4e5' }, { ssrc: 1112 }] } });

  const end = printTerminate(action, 'connectivity-error', 'ICE FAILED', true);
  expect(child(end, 'bridge-session')?.attrs).toEqual({ id: 'bs-7f31', restart: 'true' });
  expect(parseJingle(parse(print(end)))).toEqual({ action: 'session-terminate', sid: 'k9f2', reason: 'connectivity-error', text: 'ICE FAILED' });
});

test('what it does not know is named, not guessed', () => {
  expect(parseJingle(parse('<jingle xmlns="urn:xmpp:jingle:1" action="transport-replace" sid="s"/>'))).toEqual({
    action: 'other',
    name: 'transport-replace',
    sid: 's',
  });
  expect(jingleOf(parse('<iq xmlns="jabber:client"><jingle xmlns="other"/></iq>'))).toBeUndefined();
});
