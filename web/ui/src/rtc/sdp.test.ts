import fc from 'fast-check';
import { expect, test } from 'vitest';

import { encodingsFor, layersSent } from './encodings.ts';
import { fromRms, loudness } from './level.ts';
import { makeLayers, mungeLayers, parseContent, parseSections, parseSent, preferred, printOffer, type Codec, type Content, type Line } from './sdp.ts';
import { reduceStats } from './stats.ts';

const codec = (id: number, name: string, more: Partial<Codec> = {}): Codec => ({
  id,
  name,
  clockrate: name === 'opus' ? 48000 : 90000,
  channels: name === 'opus' ? 2 : 1,
  parameters: [],
  feedback: [],
  ...more,
});

const transport = {
  ufrag: '4kq1',
  pwd: 'b7p0b7p0b7p0b7p0b7p0b7p0',
  fingerprints: [{ hash: 'sha-256', setup: 'actpass', value: 'AB:CD' }],
  candidates: [
    {
      foundation: '1',
      component: 1,
      protocol: 'udp',
      priority: 2130706431,
      ip: '192.0.2.7',
      port: 10000,
      type: 'host',
      relatedAddress: '',
      relatedPort: 0,
      tcpType: '',
    },
  ],
  sctpPort: 5000,
  webSockets: [],
};

const contents: Content[] = [
  {
    name: 'audio',
    media: 'audio',
    codecs: [codec(111, 'opus', { parameters: [{ name: 'minptime', value: '10' }, { name: 'useinbandfec', value: '1' }], feedback: [{ type: 'transport-cc', subtype: '' }] })],
    extensions: [{ id: 1, uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level' }],
    extmapAllowMixed: true,
    transport,
  },
  {
    name: 'video',
    media: 'video',
    codecs: [
      codec(41, 'AV1'),
      codec(100, 'VP8', { feedback: [{ type: 'nack', subtype: '' }, { type: 'nack', subtype: 'pli' }] }),
      codec(42, 'rtx', { parameters: [{ name: 'apt', value: '41' }] }),
      codec(96, 'rtx', { parameters: [{ name: 'apt', value: '100' }] }),
    ],
    extensions: [],
    extmapAllowMixed: true,
    transport,
  },
  { name: 'data', media: 'application', codecs: [], extensions: [], extmapAllowMixed: false, transport },
];

const lines: Line[] = [
  { mid: '0', media: 'audio', direction: 'recvonly' },
  { mid: '1', media: 'video', direction: 'recvonly' },
  { mid: '3', media: 'application', direction: 'inactive' },
  { mid: '7', media: 'video', direction: 'sendonly', source: { ssrc: 5001, rtx: 5002, label: 'remote-video-5001' } },
  { mid: '8', media: 'audio', direction: 'inactive' },
];

test('an offer reads back as what it was made of', () => {
  const sections = parseSections(printOffer(contents, lines, 3));
  expect(sections.map((s) => s.mid)).toEqual(['0', '1', '3', '7', '8']);
  const [audio, video, , remote, idle] = sections;
  if (!audio || !video || !remote || !idle) throw new Error('sections');
  expect(parseContent(audio, 'audio')).toEqual({ ...contents[0], transport: { ...transport, sctpPort: 0 } });
  // VP8 first, because the first is what the browser sends.
  expect(parseContent(video, 'video').codecs.map((c) => c.name)).toEqual(['VP8', 'AV1', 'rtx', 'rtx']);
  expect(parseSent(remote)).toEqual({ ssrcs: [5001, 5002], groups: [{ semantics: 'FID', ssrcs: [5001, 5002] }] });
  expect(idle.attributes.has('inactive')).toBe(true);
  expect(remote.attributes.get('msid')).toEqual(['remote-video-5001 remote-video-5001']);
});

test('candidates go into the first m-line, the data line names its port', () => {
  const sections = parseSections(printOffer(contents, lines, 1));
  expect(sections.map((s) => s.attributes.get('candidate')?.length ?? 0)).toEqual([1, 0, 0, 0, 0]);
  expect(sections[2]?.attributes.get('sctp-port')).toEqual(['5000']);
  expect(printOffer(contents, lines, 1)).toContain('a=group:BUNDLE 0 1 3 7 8\r\n');
});

test('a line of media that was not offered is a mistake', () => {
  expect(() => printOffer(contents.slice(0, 1), lines, 1)).toThrow('did not offer video');
});

test('the preference keeps the order of what it does not know', () => {
  expect(preferred([codec(1, 'x'), codec(2, 'H264'), codec(3, 'y'), codec(4, 'VP9')]).map((c) => c.id)).toEqual([4, 2, 1, 3]);
});

// As Chromium answers.
const answer = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'a=extmap-allow-mixed',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:efgh',
  'a=fingerprint:sha-256 12:34',
  'a=setup:active',
  'a=mid:0',
  'a=sendonly',
  'a=msid:- t0',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=ssrc:10 cname:c',
  'm=video 9 UDP/TLS/RTP/SAVPF 100 96',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:efgh',
  'a=fingerprint:sha-256 12:34',
  'a=setup:active',
  'a=mid:1',
  'a=sendonly',
  'a=msid:- t1',
  'a=rtcp-mux',
  'a=rtpmap:100 VP8/90000',
  'a=rtpmap:96 rtx/90000',
  'a=fmtp:96 apt=100',
  'a=ssrc-group:FID 20 21',
  'a=ssrc:20 cname:c',
  'a=ssrc:21 cname:c',
  '',
].join('\r\n');

test('layers are written into the camera line only', () => {
  const [audio, video] = parseSections(answer);
  if (!audio || !video) throw new Error('sections');
  const sent = parseSent(video);
  const layers = makeLayers(sent, 3, Math.random);
  if (!layers) throw new Error('layers');
  expect(layers.primary[0]).toBe(20);
  expect(layers.rtx[0]).toBe(21);
  const munged = mungeLayers(answer, '1', layers);
  const [sameAudio, more] = parseSections(munged);
  if (!sameAudio || !more) throw new Error('sections');
  expect(parseSent(sameAudio)).toEqual(parseSent(audio));
  expect(parseSent(more)).toEqual({
    ssrcs: [...layers.primary, ...layers.rtx],
    groups: [
      { semantics: 'SIM', ssrcs: layers.primary },
      ...layers.primary.map((ssrc, i) => ({ semantics: 'FID', ssrcs: [ssrc, layers.rtx[i]] })),
    ],
  });
  expect(more.attributes.get('ssrc')).toContain(`${layers.primary[2]} msid:- t1`);
  expect(mungeLayers(munged, '1', layers)).toBe(munged);
  expect(munged.endsWith('\r\n')).toBe(true);
});

test('layers get SSRCs of their own', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), (random) => {
      const layers = makeLayers({ ssrcs: [20, 21], groups: [{ semantics: 'FID', ssrcs: [20, 21] }] }, 3, () => random.next().value);
      const all = [...(layers?.primary ?? []), ...(layers?.rtx ?? [])];
      expect(new Set(all).size).toBe(6);
      for (const ssrc of all) expect(ssrc > 0 && ssrc <= 0xffffffff).toBe(true);
    }),
  );
  expect(makeLayers({ ssrcs: [], groups: [] }, 3, Math.random)).toBeUndefined();
});

test('layers asked for by rid come back as a group of SSRCs', () => {
  const lines: Line[] = [{ mid: '1', media: 'video', direction: 'recvonly', rids: ['1', '2', '3'] }];
  const offer = printOffer(contents, lines, 1);
  expect(offer).toContain('a=rid:1 recv\r\na=rid:2 recv\r\na=rid:3 recv\r\na=simulcast:recv 1;2;3\r\n');
  // As Firefox answers: retransmissions are grouped, layers are not.
  const answer = [
    'v=0',
    'm=video 9 UDP/TLS/RTP/SAVPF 100 96',
    'a=mid:1',
    'a=rid:1 send',
    'a=rid:2 send',
    'a=rid:3 send',
    'a=simulcast:send 1;2;3',
    'a=ssrc-group:FID 11 21',
    'a=ssrc-group:FID 12 22',
    'a=ssrc-group:FID 13 23',
    ...[11, 12, 13, 21, 22, 23].map((ssrc) => `a=ssrc:${ssrc} cname:{ada}`),
    '',
  ].join('\r\n');
  const [section] = parseSections(answer);
  expect(section && parseSent(section)).toEqual({
    ssrcs: [11, 12, 13, 21, 22, 23],
    groups: [
      { semantics: 'SIM', ssrcs: [11, 12, 13] },
      { semantics: 'FID', ssrcs: [11, 21] },
      { semantics: 'FID', ssrcs: [12, 22] },
      { semantics: 'FID', ssrcs: [13, 23] },
    ],
  });
});

test('an answer as the session-accept wants it', () => {
  const section = parseSections(answer)[1];
  if (!section) throw new Error('section');
  expect(parseContent(section, 'video')).toMatchObject({
    name: 'video',
    extmapAllowMixed: true,
    codecs: [{ id: 100, name: 'VP8' }, { id: 96, name: 'rtx', parameters: [{ name: 'apt', value: '100' }] }],
    transport: { ufrag: 'abcd', pwd: 'efgh', fingerprints: [{ hash: 'sha-256', setup: 'active', value: '12:34' }] },
  });
});

test('any text is split without an exception', () => {
  fc.assert(fc.property(fc.string(), (s) => void parseSections(`m=video 9 X\r\n${s}`).map((x) => [parseContent(x, 'video'), parseSent(x)])));
});

test('layers above what anybody needs rest', () => {
  const captured = { width: 1280, height: 720 };
  const active = (max: number) => encodingsFor(captured, 3, max).map((e) => e.active);
  expect(active(-1)).toEqual([true, true, true]);
  expect(active(720)).toEqual([true, true, true]);
  expect(active(360)).toEqual([true, true, false]);
  expect(active(180)).toEqual([true, false, false]);
  expect(active(90)).toEqual([true, false, false]);
  expect(active(0)).toEqual([false, false, false]);
  expect(encodingsFor(captured, 3, -1).map((e) => e.scaleResolutionDownBy)).toEqual([4, 2, 1]);
  expect(encodingsFor(captured, 1, 360)).toEqual([{ active: true, maxBitrate: 500_000, scaleResolutionDownBy: 2 }]);
  expect(encodingsFor(captured, 1, 0)[0]?.active).toBe(false);
});

test.each([
  [1280, 720, [4, 2, 1]],
  [720, 1280, [4, 2, 1]],
  [640, 480, [2, 1]],
  [640, 360, [2, 1]],
  [320, 180, [1]],
])('of %i×%i every line is in the last layer that is sent', (width, height, scales) => {
  const captured = { width, height };
  const sent = layersSent(captured, 3);
  const encodings = encodingsFor(captured, 3, -1, sent);
  expect(encodings).toHaveLength(3);
  expect(encodings.filter((e) => e.active).map((e) => e.scaleResolutionDownBy)).toEqual(scales);
  expect(encodingsFor(captured, 3, 180, sent).map((e) => e.active)).toEqual([true, false, false]);
});

test('lines of a phone held upright are those across', () => {
  expect(encodingsFor({ width: 720, height: 1280 }, 3, 360).map((e) => e.active)).toEqual([true, true, false]);
});

test('loudness is 0 to 1', () => {
  expect(loudness([])).toBe(0);
  expect(loudness([0, 0])).toBe(0);
  expect(loudness([1, -1])).toBe(1);
  expect(fromRms(0.0001)).toBe(0);
  expect(fromRms(Number.NaN)).toBe(0);
  fc.assert(fc.property(fc.array(fc.float({ min: -1, max: 1, noNaN: true })), (s) => loudness(s) >= 0 && loudness(s) <= 1));
});

test('statistics are reduced to what is used', () => {
  expect(
    reduceStats([
      { type: 'inbound-rtp', kind: 'video', ssrc: 1, bytesReceived: 10, framesDecoded: 3, frameWidth: 320, frameHeight: 180, codecId: 'c' },
      { type: 'outbound-rtp', kind: 'audio', ssrc: 2, bytesSent: 20, packetsSent: 2 },
      { type: 'candidate-pair', state: 'succeeded', nominated: true, currentRoundTripTime: 0.01, availableOutgoingBitrate: 5, localCandidateId: 'l', remoteCandidateId: 'r' },
      { type: 'local-candidate', id: 'l', candidateType: 'host', protocol: 'udp', address: '192.0.2.7', port: 5000 },
      { type: 'remote-candidate', id: 'r', candidateType: 'host', protocol: 'udp', address: '2001:db8::1', port: 10000 },
      { type: 'remote-inbound-rtp', fractionLost: 0.02 },
      { type: 'codec', id: 'c', mimeType: 'video/VP8' },
    ]),
  ).toEqual({
    inbound: [{ kind: 'video', ssrc: 1, bytes: 10, packets: 0, lost: 0, framesDecoded: 3, width: 320, height: 180, audioEnergy: 0, codec: 'VP8' }],
    outbound: [{ kind: 'audio', ssrc: 2, bytes: 20, packets: 2, width: 0, height: 0, codec: '' }],
    roundTrip: 0.01,
    available: 5,
    sentLoss: 0.02,
    path: { protocol: 'udp', local: '192.0.2.7:5000', remote: '[2001:db8::1]:10000', relayed: false },
  });
});
