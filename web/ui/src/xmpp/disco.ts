// Service discovery: what this client can do (with its entity-capabilities hash), what the server
// and the room say about themselves.

import { ns } from './ns.ts';
import { child, childrenOf, el, textOf, type Xml } from './xml.ts';

/** The node clients of this family use in their caps; the focus asks NODE#HASH. */
export const capsNode = 'https://jitsi.org/jitsi-meet';

const always = [
  'http://jabber.org/protocol/caps',
  'http://jabber.org/protocol/disco#info',
  'http://jitsi.org/json-encoded-sources',
  'http://jitsi.org/receive-multiple-video-streams',
  'http://jitsi.org/source-name',
  'http://jitsi.org/start-muted-room-metadata',
  'http://jitsi.org/tcc',
  'urn:ietf:rfc:4588',
  'urn:xmpp:jingle:1',
  'urn:xmpp:jingle:apps:dtls:0',
  'urn:xmpp:jingle:apps:rtp:1',
  'urn:xmpp:jingle:apps:rtp:audio',
  'urn:xmpp:jingle:apps:rtp:video',
  'urn:xmpp:jingle:transports:ice-udp:1',
];

/** The features of this client, sorted. */
export function features(options: { readonly ssrcRewriting: boolean; readonly sctp: boolean }): string[] {
  const out = [...always];
  if (options.ssrcRewriting) out.push('http://jitsi.org/ssrc-rewriting-1');
  // Without it the offer has the address of the bridge's WebSocket instead of a data channel.
  if (options.sctp) out.push('urn:xmpp:jingle:transports:dtls-sctp:1');
  return out.sort();
}

/** The caps hash (XEP-0115) of a client with these features and, like its relatives, no identity. */
export async function capsHash(sorted: readonly string[]): Promise<string> {
  const text = sorted.map((f) => `${f}<`).join('');
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** The answer's payload to a disco#info query, which is echoed with its node. */
export function printFeatures(query: Xml, sorted: readonly string[]): Xml {
  return el('query', ns.discoInfo, { node: query.attrs['node'] }, ...sorted.map((f) => el('feature', ns.discoInfo, { var: f })));
}

export interface Disco {
  readonly identities: readonly { readonly category: string; readonly type: string; readonly name: string }[];
  readonly features: ReadonlySet<string>;
  /** Fields of the forms that come along, by name. */
  readonly fields: Readonly<Record<string, string>>;
}

export function parseDisco(iq: Xml): Disco {
  const query = child(iq, 'query', ns.discoInfo);
  const fields: Record<string, string> = {};
  for (const form of childrenOf(query, 'x', ns.form)) {
    for (const field of childrenOf(form, 'field')) {
      if (field.attrs['var'] !== undefined) fields[field.attrs['var']] = textOf(child(field, 'value'));
    }
  }
  return {
    identities: childrenOf(query, 'identity').map((i) => ({
      category: i.attrs['category'] ?? '',
      type: i.attrs['type'] ?? '',
      name: i.attrs['name'] ?? '',
    })),
    features: new Set(childrenOf(query, 'feature').flatMap((f) => f.attrs['var'] ?? [])),
    fields,
  };
}

/** The addresses of the services beside rooms, by the type of their identity. */
export function serviceAddresses(disco: Disco): ReadonlyMap<string, string> {
  return new Map(disco.identities.flatMap((i) => (i.category === 'component' && i.name !== '' ? [[i.type, i.name] as const] : [])));
}

/** The room's configuration with this password, '' for none. */
export function printPassword(password: string): Xml {
  const field = (name: string, value: string) => el('field', ns.form, { var: name }, el('value', ns.form, {}, value));
  return el(
    'query',
    ns.mucOwner,
    {},
    el(
      'x',
      ns.form,
      { type: 'submit' },
      field('FORM_TYPE', 'http://jabber.org/protocol/muc#roomconfig'),
      field('muc#roomconfig_roomsecret', password),
      field('muc#roomconfig_passwordprotectedroom', password === '' ? '0' : '1'),
      field('muc#roomconfig_whois', 'anyone'),
    ),
  );
}

export interface IceServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/**
 * TURN servers of the answer to an extdisco query. STUN is of no use towards a bridge, nor is TURN over UDP: whoever
 * reaches that reaches the bridge itself.
 */
export function parseIceServers(iq: Xml): IceServer[] {
  return childrenOf(child(iq, 'services', ns.extdisco), 'service').flatMap((s) => {
    const { type, host, port, transport, username, password } = s.attrs;
    if (host === undefined || (type !== 'turn' && type !== 'turns') || transport === 'udp') return [];
    const address = host.includes(':') ? `[${host}]` : host;
    const urls = `${type}:${address}${port === undefined ? '' : `:${port}`}${transport === undefined ? '' : `?transport=${transport}`}`;
    return [username === undefined || password === undefined ? { urls } : { urls, username, credential: password }];
  });
}
