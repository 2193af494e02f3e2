// Jingle as the focus speaks it: session-initiate and friends to typed values and back.

import { ns } from './ns.ts';
import {
  addSources,
  parseCompact,
  parseJsonMessage,
  parseXmlSources,
  printXmlSources,
  type MediaType,
  type SourceSet,
} from './sources.ts';
import { child, childrenOf, el, elements, find, textOf, type Xml } from './xml.ts';

export interface Feedback {
  readonly type: string;
  readonly subtype: string;
}

export interface Codec {
  readonly id: number;
  readonly name: string;
  readonly clockrate: number;
  readonly channels: number;
  /** A parameter without a name (RED's) has the name ''. */
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  readonly feedback: readonly Feedback[];
}

export interface HeaderExtension {
  readonly id: number;
  readonly uri: string;
}

export interface Candidate {
  readonly foundation: string;
  readonly component: number;
  readonly protocol: string;
  readonly priority: number;
  readonly ip: string;
  readonly port: number;
  readonly type: string;
  readonly relatedAddress: string;
  readonly relatedPort: number;
  readonly tcpType: string;
}

export interface Fingerprint {
  readonly hash: string;
  readonly setup: string;
  readonly value: string;
}

export interface Transport {
  readonly ufrag: string;
  readonly pwd: string;
  readonly fingerprints: readonly Fingerprint[];
  readonly candidates: readonly Candidate[];
  /** Port of the SCTP association, 0 when there is none in this content. */
  readonly sctpPort: number;
  /** Addresses of the bridge's WebSocket channel. */
  readonly webSockets: readonly string[];
}

export interface Content {
  readonly name: string;
  readonly media: MediaType | 'application';
  readonly codecs: readonly Codec[];
  readonly extensions: readonly HeaderExtension[];
  readonly extmapAllowMixed: boolean;
  readonly transport: Transport;
}

export interface Initiate {
  readonly sid: string;
  readonly initiator: string;
  readonly contents: readonly Content[];
  readonly sources: SourceSet;
  /** Id of the bridge session, named when the session is restarted or ended. */
  readonly bridgeSession: string;
  readonly startMuted: { readonly audio: boolean; readonly video: boolean };
}

export interface Accept {
  readonly contents: readonly Content[];
  readonly sources: SourceSet;
}

/** Jingle actions the focus sends; `other` is answered with an error. */
export type Action =
  | ({ readonly action: 'session-initiate' } & Initiate)
  | { readonly action: 'source-add' | 'source-remove'; readonly sid: string; readonly sources: SourceSet }
  | { readonly action: 'session-terminate'; readonly sid: string; readonly reason: string; readonly text: string }
  /** Another way to the bridge in the same session; the answer repeats the generation. */
  | { readonly action: 'transport-info'; readonly sid: string; readonly transport: Transport; readonly generation: string }
  | { readonly action: 'session-info'; readonly sid: string }
  | { readonly action: 'other'; readonly name: string; readonly sid: string };

export function jingleOf(iq: Xml): Xml | undefined {
  return child(iq, 'jingle', ns.jingle);
}

function number(text: string | undefined, fallback = 0): number {
  const n = Number(text);
  return text !== undefined && text !== '' && Number.isFinite(n) ? n : fallback;
}

function parseCodec(x: Xml): Codec {
  return {
    id: number(x.attrs['id'], -1),
    name: x.attrs['name'] ?? '',
    clockrate: number(x.attrs['clockrate']),
    channels: number(x.attrs['channels'], 1),
    parameters: childrenOf(x, 'parameter').map((p) => ({ name: p.attrs['name'] ?? '', value: p.attrs['value'] ?? '' })),
    feedback: childrenOf(x, 'rtcp-fb').map((f) => ({ type: f.attrs['type'] ?? '', subtype: f.attrs['subtype'] ?? '' })),
  };
}

function parseCandidate(x: Xml): Candidate {
  return {
    foundation: x.attrs['foundation'] ?? '0',
    component: number(x.attrs['component'], 1),
    protocol: x.attrs['protocol'] ?? 'udp',
    priority: number(x.attrs['priority'], 1),
    ip: x.attrs['ip'] ?? '',
    port: number(x.attrs['port']),
    type: x.attrs['type'] ?? 'host',
    relatedAddress: x.attrs['rel-addr'] ?? '',
    relatedPort: number(x.attrs['rel-port']),
    tcpType: x.attrs['tcptype'] ?? '',
  };
}

function parseTransport(x: Xml | undefined): Transport {
  return {
    ufrag: x?.attrs['ufrag'] ?? '',
    pwd: x?.attrs['pwd'] ?? '',
    fingerprints: childrenOf(x, 'fingerprint').map((f) => ({
      hash: f.attrs['hash'] ?? '',
      setup: f.attrs['setup'] ?? 'actpass',
      value: textOf(f).trim(),
    })),
    candidates: childrenOf(x, 'candidate').map(parseCandidate),
    sctpPort: number(child(x, 'sctpmap')?.attrs['number']),
    webSockets: childrenOf(x, 'web-socket', ns.colibri).flatMap((w) => (w.attrs['url'] ? [w.attrs['url']] : [])),
  };
}

function parseContent(x: Xml): Content | undefined {
  const description = child(x, 'description');
  const name = x.attrs['name'] ?? '';
  // A bare data content of an answer may come without a description.
  const media = description?.attrs['media'] ?? (name === 'data' ? 'application' : name);
  if (media !== 'audio' && media !== 'video' && media !== 'application') return undefined;
  return {
    name,
    media,
    codecs: childrenOf(description, 'payload-type')
      .map(parseCodec)
      .filter((c) => c.id >= 0 && c.id < 128),
    extensions: childrenOf(description, 'rtp-hdrext')
      .map((e) => ({ id: number(e.attrs['id']), uri: e.attrs['uri'] ?? '' }))
      .filter((e) => e.id > 0 && e.uri !== ''),
    extmapAllowMixed: child(description, 'extmap-allow-mixed') !== undefined,
    transport: parseTransport(child(x, 'transport')),
  };
}

function parseSources(jingle: Xml): SourceSet {
  let set = parseCompact(parseJsonMessage(child(jingle, 'json-message', ns.jitmeet)));
  for (const content of childrenOf(jingle, 'content')) {
    const media = child(content, 'description')?.attrs['media'] ?? content.attrs['name'];
    if (media === 'audio' || media === 'video') set = addSources(set, parseXmlSources(media, content));
  }
  return set;
}

export function parseJingle(jingle: Xml): Action {
  const sid = jingle.attrs['sid'] ?? '';
  const action = jingle.attrs['action'] ?? '';
  switch (action) {
    case 'session-initiate': {
      const muted = find(jingle, 'startmuted', ns.startMuted);
      return {
        action,
        sid,
        initiator: jingle.attrs['initiator'] ?? '',
        contents: childrenOf(jingle, 'content').flatMap((c) => parseContent(c) ?? []),
        sources: parseSources(jingle),
        bridgeSession: find(jingle, 'bridge-session', ns.focus)?.attrs['id'] ?? '',
        startMuted: { audio: muted?.attrs['audio'] === 'true', video: muted?.attrs['video'] === 'true' },
      };
    }
    case 'source-add':
    case 'source-remove':
      return { action, sid, sources: parseSources(jingle) };
    case 'session-terminate': {
      const reason = child(jingle, 'reason');
      const condition = reason && elements(reason).find((e) => e.name !== 'text');
      return { action, sid, reason: condition?.name ?? '', text: textOf(child(reason, 'text')) };
    }
    case 'transport-info': {
      const transport = find(jingle, 'transport', ns.ice);
      return { action, sid, transport: parseTransport(transport), generation: transport?.attrs['ice-generation'] ?? '' };
    }
    case 'session-info':
      return { action, sid };
    default:
      return { action: 'other', name: action, sid };
  }
}

function printCodec(c: Codec): Xml {
  return el(
    'payload-type',
    ns.rtp,
    { id: c.id, name: c.name, clockrate: c.clockrate, channels: c.channels > 1 ? c.channels : undefined },
    ...c.parameters.map((p) => el('parameter', ns.rtp, { name: p.name === '' ? undefined : p.name, value: p.value })),
    ...c.feedback.map((f) => el('rtcp-fb', ns.rtcpFeedback, { type: f.type, subtype: f.subtype === '' ? undefined : f.subtype })),
  );
}

function printCandidate(c: Candidate, index: number): Xml {
  return el('candidate', ns.ice, {
    foundation: c.foundation,
    component: c.component,
    protocol: c.protocol,
    priority: c.priority,
    ip: c.ip,
    port: c.port,
    type: c.type,
    generation: 0,
    network: 0,
    id: `c${index}`,
    'rel-addr': c.relatedAddress === '' ? undefined : c.relatedAddress,
    'rel-port': c.relatedAddress === '' ? undefined : c.relatedPort,
    tcptype: c.tcpType === '' ? undefined : c.tcpType,
  });
}

function printTransport(t: Transport, generation?: string): Xml {
  return el(
    'transport',
    ns.ice,
    { ufrag: t.ufrag, pwd: t.pwd, 'ice-generation': generation },
    ...t.fingerprints.map((f) => el('fingerprint', ns.dtls, { hash: f.hash, setup: f.setup }, f.value)),
    ...t.candidates.map(printCandidate),
    ...t.webSockets.map((url) => el('web-socket', ns.colibri, { url })),
    t.sctpPort > 0
      ? el('sctpmap', ns.sctp, { number: t.sctpPort, protocol: 'webrtc-datachannel', streams: 1024 })
      : null,
  );
}

function printContent(c: Content, creator: 'initiator' | 'responder', sources: SourceSet): Xml {
  const description =
    c.media === 'application'
      ? el('description', ns.rtp, { media: c.media })
      : el(
          'description',
          ns.rtp,
          { media: c.media },
          ...c.codecs.map(printCodec),
          ...printXmlSources(c.media, sources),
          el('rtcp-mux', ns.rtp),
          ...c.extensions.map((e) => el('rtp-hdrext', ns.headerExtension, { id: e.id, uri: e.uri })),
          c.extmapAllowMixed ? el('extmap-allow-mixed', ns.headerExtension) : null,
        );
  return el('content', ns.jingle, { creator, name: c.name, senders: 'both' }, description, printTransport(c.transport));
}

function group(contents: readonly Content[]): Xml {
  return el('group', ns.grouping, { semantics: 'BUNDLE' }, ...contents.map((c) => el('content', ns.grouping, { name: c.name })));
}

export function printAccept(session: Initiate, responder: string, accept: Accept): Xml {
  return el(
    'jingle',
    ns.jingle,
    { action: 'session-accept', initiator: session.initiator, responder, sid: session.sid },
    group(accept.contents),
    ...accept.contents.map((c) => printContent(c, 'responder', accept.sources)),
  );
}

/** Used by tests, and to talk to a peer directly one day. */
export function printInitiate(session: Initiate): Xml {
  return el(
    'jingle',
    ns.jingle,
    { action: 'session-initiate', initiator: session.initiator, sid: session.sid },
    ...session.contents.map((c) => printContent(c, 'initiator', session.sources)),
    group(session.contents),
    session.startMuted.audio || session.startMuted.video
      ? el('startmuted', ns.startMuted, { audio: String(session.startMuted.audio), video: String(session.startMuted.video) })
      : null,
    session.bridgeSession === '' ? null : el('bridge-session', ns.focus, { id: session.bridgeSession }),
  );
}

export function printSources(action: 'source-add' | 'source-remove', session: Initiate, set: SourceSet): Xml {
  const media = (['audio', 'video'] as const).filter((m) => set.sources.some((s) => s.media === m));
  return el(
    'jingle',
    ns.jingle,
    { action, initiator: session.initiator, sid: session.sid },
    ...media.map((m) => el('content', ns.jingle, { name: m }, el('description', ns.rtp, { media: m }, ...printXmlSources(m, set)))),
  );
}

/** restart asks the focus for a new session-initiate, on another bridge if need be. */
export function printTerminate(session: Initiate, reason: string, text: string, restart: boolean): Xml {
  return el(
    'jingle',
    ns.jingle,
    { action: 'session-terminate', sid: session.sid, initiator: session.initiator },
    el('reason', ns.jingle, {}, el(reason, ns.jingle), text === '' ? null : el('text', ns.jingle, {}, text)),
    el('bridge-session', ns.focus, { id: session.bridgeSession, restart: String(restart) }),
  );
}


/** Asks for another way to the bridge; media goes on meanwhile. */
export function printIceRestart(session: Initiate): Xml {
  return el(
    'jingle',
    ns.jingle,
    { action: 'session-info', sid: session.sid, initiator: session.initiator },
    el('bridge-session', ns.focus, { id: session.bridgeSession, 'ice-restart': 'true' }),
  );
}

/** Our end of that way. */
export function printTransportInfo(session: Initiate, contents: readonly Content[], generation: string): Xml {
  return el(
    'jingle',
    ns.jingle,
    { action: 'transport-info', sid: session.sid, initiator: session.initiator },
    ...contents.map((c) => el('content', ns.jingle, { creator: 'responder', name: c.name }, printTransport(c.transport, generation))),
  );
}
