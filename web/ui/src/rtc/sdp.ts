// SDP, written and read as far as a meeting needs it. All descriptions are offers of the bridge and
// answers of ours: the bridge's offer is kept as data (contents of the Jingle offer plus a list of
// m-lines) and printed anew for each local negotiation. Pure functions; the types have the shape of
// those in xmpp/jingle.ts, which this folder does not know.

export interface Codec {
  readonly id: number;
  readonly name: string;
  readonly clockrate: number;
  readonly channels: number;
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  readonly feedback: readonly { readonly type: string; readonly subtype: string }[];
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

export interface Transport {
  readonly ufrag: string;
  readonly pwd: string;
  readonly fingerprints: readonly { readonly hash: string; readonly setup: string; readonly value: string }[];
  readonly candidates: readonly Candidate[];
  readonly sctpPort: number;
  readonly webSockets: readonly string[];
}

export interface Content {
  readonly name: string;
  readonly media: 'audio' | 'video' | 'application';
  readonly codecs: readonly Codec[];
  readonly extensions: readonly { readonly id: number; readonly uri: string }[];
  readonly extmapAllowMixed: boolean;
  readonly transport: Transport;
}

export interface Group {
  readonly semantics: 'SIM' | 'FID';
  readonly ssrcs: readonly number[];
}

/** One m-line of the bridge's offer, which stays where it is for the life of the connection. */
export interface Line {
  readonly mid: string;
  readonly media: 'audio' | 'video' | 'application';
  /** Seen from the bridge: recvonly is what we send. */
  readonly direction: 'recvonly' | 'sendonly' | 'inactive';
  /** For sendonly: what the bridge sends, primary SSRC and retransmissions (0: none). */
  readonly source?: { readonly ssrc: number; readonly rtx: number; readonly label: string };
  /** For recvonly: restriction identifiers of the layers to ask for (RFC 8853), smallest first. */
  readonly rids?: readonly string[];
}

/** The order in which we like to send; what everybody can decode and the bridge can thin out first. */
const preference = ['vp8', 'vp9', 'h264', 'av1'];

function rank(codec: Codec): number {
  const i = preference.indexOf(codec.name.toLowerCase());
  return i < 0 ? preference.length : i;
}

/** codecs in the order to offer them to the browser, whose first is the one it will send. */
export function preferred(codecs: readonly Codec[]): Codec[] {
  return codecs.map((c, i) => ({ c, i })).sort((a, b) => rank(a.c) - rank(b.c) || a.i - b.i).map(({ c }) => c);
}

function codecLines(c: Codec): string[] {
  const channels = c.channels > 1 ? `/${c.channels}` : '';
  const parameters = c.parameters.map((p) => (p.name === '' ? p.value : `${p.name}=${p.value}`)).join(';');
  return [
    `a=rtpmap:${c.id} ${c.name}/${c.clockrate}${channels}`,
    ...(parameters === '' ? [] : [`a=fmtp:${c.id} ${parameters}`]),
    ...c.feedback.map((f) => `a=rtcp-fb:${c.id} ${f.type}${f.subtype === '' ? '' : ` ${f.subtype}`}`),
  ];
}

function candidateLine(c: Candidate): string {
  const related = c.relatedAddress === '' ? '' : ` raddr ${c.relatedAddress} rport ${c.relatedPort}`;
  const tcp = c.tcpType === '' ? '' : ` tcptype ${c.tcpType}`;
  // ssltcp is what Jitsi calls a TCP candidate behind a pseudo-TLS hello; browsers know it by tcp.
  const protocol = c.protocol === 'ssltcp' ? 'tcp' : c.protocol;
  return `a=candidate:${c.foundation} ${c.component} ${protocol} ${c.priority} ${c.ip} ${c.port} typ ${c.type}${related}${tcp} generation 0`;
}

function transportLines(t: Transport, withCandidates: boolean): string[] {
  return [
    'c=IN IP4 0.0.0.0',
    ...(withCandidates ? t.candidates.map(candidateLine) : []),
    `a=ice-ufrag:${t.ufrag}`,
    `a=ice-pwd:${t.pwd}`,
    ...t.fingerprints.map((f) => `a=fingerprint:${f.hash} ${f.value}`),
    `a=setup:${t.fingerprints[0]?.setup ?? 'actpass'}`,
  ];
}

function sourceLines(line: Line): string[] {
  const s = line.source;
  if (!s) return [];
  const ssrcs = s.rtx > 0 ? [s.ssrc, s.rtx] : [s.ssrc];
  return [
    `a=msid:${s.label} ${s.label}`,
    ...(s.rtx > 0 ? [`a=ssrc-group:FID ${s.ssrc} ${s.rtx}`] : []),
    ...ssrcs.flatMap((ssrc) => [`a=ssrc:${ssrc} cname:${s.label}`, `a=ssrc:${ssrc} msid:${s.label} ${s.label}`]),
  ];
}

function ridLines(rids: readonly string[] | undefined): string[] {
  return rids ? [...rids.map((rid) => `a=rid:${rid} recv`), `a=simulcast:recv ${rids.join(';')}`] : [];
}

/** The bridge's offer with these m-lines. Lines whose media it did not offer must not be given. */
export function printOffer(contents: readonly Content[], lines: readonly Line[], version: number): string {
  const out = [
    'v=0',
    `o=- 1 ${version} IN IP4 0.0.0.0`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${lines.map((l) => l.mid).join(' ')}`,
    'a=msid-semantic: WMS *',
  ];
  if (contents.some((c) => c.extmapAllowMixed)) out.push('a=extmap-allow-mixed');
  lines.forEach((line, index) => {
    const content = contents.find((c) => c.media === line.media);
    if (!content) throw new Error(`the bridge did not offer ${line.media}`);
    if (line.media === 'application') {
      out.push('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', ...transportLines(content.transport, index === 0));
      out.push(`a=mid:${line.mid}`, `a=sctp-port:${content.transport.sctpPort}`, 'a=max-message-size:262144');
      return;
    }
    const codecs = preferred(content.codecs);
    out.push(
      `m=${line.media} 9 UDP/TLS/RTP/SAVPF ${codecs.map((c) => c.id).join(' ')}`,
      ...transportLines(content.transport, index === 0),
      `a=mid:${line.mid}`,
      ...content.extensions.map((e) => `a=extmap:${e.id} ${e.uri}`),
      `a=${line.direction}`,
      'a=rtcp-mux',
      'a=rtcp-rsize',
      ...codecs.flatMap(codecLines),
      ...sourceLines(line),
      ...ridLines(line.rids),
    );
  });
  return `${out.join('\r\n')}\r\n`;
}

/** An m-section as lists of attribute values by name. */
export interface Section {
  readonly media: string;
  readonly formats: readonly string[];
  readonly mid: string;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

function attributesOf(lines: readonly string[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const line of lines) {
    const match = /^a=([^:]+)(?::(.*))?$/.exec(line);
    if (!match) continue;
    const [, name = '', value = ''] = match;
    out.set(name, [...(out.get(name) ?? []), value]);
  }
  return out;
}

/** Splits a description; session-wide attributes are given to every section that lacks them. */
export function parseSections(sdp: string): Section[] {
  const [session = '', ...parts] = sdp.split(/^(?=m=)/m);
  const shared = attributesOf(session.split(/\r?\n/));
  return parts.map((part) => {
    const lines = part.split(/\r?\n/);
    const own = attributesOf(lines);
    const [media = '', , , ...formats] = (lines[0] ?? '').slice(2).split(' ');
    return { media, formats, mid: own.get('mid')?.[0] ?? '', attributes: new Map([...shared, ...own]) };
  });
}

function values(section: Section, name: string): readonly string[] {
  return section.attributes.get(name) ?? [];
}

function parseCodecs(section: Section): Codec[] {
  return section.formats.flatMap((format) => {
    const map = values(section, 'rtpmap').find((v) => v.startsWith(`${format} `));
    if (map === undefined) return [];
    const [name = '', clockrate = '', channels = '1'] = map.slice(format.length + 1).split('/');
    const fmtp = values(section, 'fmtp').find((v) => v.startsWith(`${format} `))?.slice(format.length + 1) ?? '';
    return [
      {
        id: Number(format),
        name,
        clockrate: Number(clockrate),
        channels: Number(channels),
        parameters: fmtp.split(';').flatMap((p) => {
          const text = p.trim();
          if (text === '') return [];
          const equals = text.indexOf('=');
          return [equals < 0 ? { name: '', value: text } : { name: text.slice(0, equals), value: text.slice(equals + 1) }];
        }),
        feedback: values(section, 'rtcp-fb')
          .filter((v) => v.startsWith(`${format} `) || v.startsWith('* '))
          .map((v) => {
            const [, type = '', subtype = ''] = v.split(' ');
            return { type, subtype };
          }),
      },
    ];
  });
}

function parseCandidate(value: string): Candidate | undefined {
  const [foundation, component, protocol, priority, ip, port, , type, ...rest] = value.split(' ');
  if (foundation === undefined || ip === undefined || type === undefined) return undefined;
  const extra = (name: string) => {
    const i = rest.indexOf(name);
    return i < 0 ? '' : (rest[i + 1] ?? '');
  };
  return {
    foundation,
    component: Number(component),
    protocol: (protocol ?? 'udp').toLowerCase(),
    priority: Number(priority),
    ip,
    port: Number(port),
    type,
    relatedAddress: extra('raddr'),
    relatedPort: Number(extra('rport')),
    tcpType: extra('tcptype'),
  };
}

function parseTransport(section: Section): Transport {
  const setup = values(section, 'setup')[0] ?? 'active';
  return {
    ufrag: values(section, 'ice-ufrag')[0] ?? '',
    pwd: values(section, 'ice-pwd')[0] ?? '',
    fingerprints: values(section, 'fingerprint').map((v) => {
      const [hash = '', value = ''] = v.split(' ');
      return { hash, setup, value };
    }),
    candidates: values(section, 'candidate').flatMap((v) => parseCandidate(v) ?? []),
    sctpPort: Number(values(section, 'sctp-port')[0] ?? 0),
    webSockets: [],
  };
}

/** The content an answer's section stands for. */
export function parseContent(section: Section, name: string): Content {
  return {
    name,
    media: section.media === 'audio' || section.media === 'video' ? section.media : 'application',
    codecs: parseCodecs(section),
    extensions: values(section, 'extmap').flatMap((v) => {
      const [id = '', uri = ''] = v.split(' ');
      return uri === '' ? [] : [{ id: Number(id.split('/')[0]), uri }];
    }),
    extmapAllowMixed: section.attributes.has('extmap-allow-mixed'),
    transport: parseTransport(section),
  };
}

export interface SentSources {
  /** In the order of the description; the first is the primary one. */
  readonly ssrcs: readonly number[];
  readonly groups: readonly Group[];
}

/** The SSRCs we send on a section. */
export function parseSent(section: Section): SentSources {
  const ssrcs = [...new Set(values(section, 'ssrc').map((v) => Number(v.split(' ')[0])))];
  const groups = values(section, 'ssrc-group').flatMap((v) => {
    const [semantics, ...members] = v.split(' ');
    return semantics === 'SIM' || semantics === 'FID' ? [{ semantics, ssrcs: members.map(Number) } as const] : [];
  });
  // Who answers with rids (Firefox) names the layers' SSRCs in their order, but does not group them.
  if (section.attributes.has('simulcast') && !groups.some((g) => g.semantics === 'SIM')) {
    const retransmissions = new Set(groups.flatMap((g) => g.ssrcs.slice(1)));
    const layers = ssrcs.filter((ssrc) => !retransmissions.has(ssrc));
    if (layers.length > 1) groups.unshift({ semantics: 'SIM', ssrcs: layers });
  }
  return { ssrcs, groups };
}

/** The SSRCs of a simulcast sender: layers from small to big, with their retransmissions. */
export interface Layers {
  readonly primary: readonly number[];
  readonly rtx: readonly number[];
}

/** The layers for a section that has one stream so far; the given one stays the smallest. */
export function makeLayers(sent: SentSources, count: number, random: () => number): Layers | undefined {
  const fid = sent.groups.find((g) => g.semantics === 'FID');
  const first = fid?.ssrcs[0] ?? sent.ssrcs[0];
  if (first === undefined) return undefined;
  const used = new Set(sent.ssrcs);
  const fresh = () => {
    for (;;) {
      const ssrc = 1 + Math.floor(random() * 0xfffffffe);
      if (!used.has(ssrc)) {
        used.add(ssrc);
        return ssrc;
      }
    }
  };
  const primary = [first, ...Array.from({ length: count - 1 }, fresh)];
  const firstRtx = fid?.ssrcs[1];
  return { primary, rtx: firstRtx === undefined ? [] : [firstRtx, ...Array.from({ length: count - 1 }, fresh)] };
}

/**
 * Writes simulcast layers into our answer's section mid: how Chromium is told to send several
 * pictures with SSRCs known in advance, as the bridge's signalling wants them. There is no other way
 * to learn them before the first packet.
 */
export function mungeLayers(sdp: string, mid: string, layers: Layers): string {
  return sdp
    .split(/^(?=m=)/m)
    .map((part) => {
      const lines = part.split(/\r?\n/).filter((l) => l !== '');
      if (!lines.includes(`a=mid:${mid}`)) return part;
      const find = (pattern: RegExp) => lines.map((l) => pattern.exec(l)?.[1]).find((v) => v !== undefined);
      const cname = find(/^a=ssrc:\d+ cname:(.*)$/) ?? 'meetbox';
      const msid = find(/^a=msid:(.*)$/) ?? '- -';
      const kept = lines.filter((l) => !l.startsWith('a=ssrc:') && !l.startsWith('a=ssrc-group:'));
      const groups = [
        `a=ssrc-group:SIM ${layers.primary.join(' ')}`,
        ...layers.primary.flatMap((ssrc, i) => (layers.rtx[i] === undefined ? [] : [`a=ssrc-group:FID ${ssrc} ${layers.rtx[i]}`])),
      ];
      const ssrcs = [...layers.primary, ...layers.rtx].flatMap((ssrc) => [`a=ssrc:${ssrc} cname:${cname}`, `a=ssrc:${ssrc} msid:${msid}`]);
      return `${[...kept, ...groups, ...ssrcs].join('\r\n')}\r\n`;
    })
    .join('');
}

