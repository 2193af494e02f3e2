// Presence in a meeting's room: what a member says of itself, and what the room says of it.

import { node, resource } from './jid.ts';
import { ns } from './ns.ts';
import { parseError, type StanzaError } from './stanza.ts';
import { child, childrenOf, el, textOf, type Xml } from './xml.ts';

/** State of one source, by name in SourceInfo. */
export interface SourceInfo {
  readonly muted: boolean;
  readonly screen: boolean;
}

/** What a member publishes. */
export interface Profile {
  readonly name: string;
  readonly statsId: string;
  readonly codecs: readonly string[];
  readonly sources: Readonly<Record<string, SourceInfo>>;
  /** Milliseconds since 1970, 0 when the hand is down. */
  readonly raisedHand: number;
  /** Records the meeting on their own machine. */
  readonly recording: boolean;
  /** The caps hash; '' when there is none. */
  readonly caps: string;
}

export interface Occupant extends Profile {
  readonly nick: string;
  readonly jid: string;
  readonly role: string;
  readonly affiliation: string;
  readonly self: boolean;
  /** Properties of the conference, from the focus only. */
  readonly properties: Readonly<Record<string, string>>;
  readonly bridgeNotAvailable: boolean;
}

export interface Departure {
  readonly nick: string;
  readonly self: boolean;
  readonly kicked: boolean;
  readonly actor: string;
  readonly reason: string;
  readonly destroyed: boolean;
  /** JID of the room to go to instead, '' when there is none. */
  readonly alternative: string;
}

export type RoomPresence =
  | { readonly kind: 'available'; readonly occupant: Occupant }
  | { readonly kind: 'left'; readonly departure: Departure }
  | { readonly kind: 'error'; readonly nick: string; readonly error: StanzaError };

function parseSourceInfo(text: string): Record<string, SourceInfo> {
  const out: Record<string, SourceInfo> = {};
  let json: unknown;
  try {
    json = JSON.parse(text) as unknown;
  } catch {
    return out;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return out;
  for (const [name, value] of Object.entries(json)) {
    if (typeof value !== 'object' || value === null) continue;
    const info = value as Record<string, unknown>;
    out[name] = { muted: info['muted'] === true, screen: info['videoType'] === 'desktop' };
  }
  return out;
}

export function printSourceInfo(sources: Readonly<Record<string, SourceInfo>>): string {
  const out: Record<string, unknown> = {};
  for (const [name, info] of Object.entries(sources)) {
    out[name] = info.screen ? { muted: info.muted, videoType: 'desktop' } : { muted: info.muted };
  }
  return JSON.stringify(out);
}

// Before SourceInfo there was one camera and one microphone with a flag each.
function legacySources(x: Xml, nick: string): Record<string, SourceInfo> {
  const out: Record<string, SourceInfo> = {};
  const audio = child(x, 'audiomuted');
  const video = child(x, 'videomuted');
  if (audio) out[`${nick}-a0`] = { muted: textOf(audio) === 'true', screen: false };
  if (video) out[`${nick}-v0`] = { muted: textOf(video) === 'true', screen: textOf(child(x, 'videoType')) === 'desktop' };
  return out;
}

export function parseProfile(x: Xml, nick: string): Profile {
  const info = child(x, 'SourceInfo');
  const sources = info ? parseSourceInfo(textOf(info)) : legacySources(x, nick);
  return {
    name: textOf(child(x, 'nick', ns.nick)),
    statsId: textOf(child(x, 'stats-id')),
    codecs: textOf(child(x, 'jitsi_participant_codecList')).split(',').filter((c) => c !== ''),
    // A member may only speak of its own sources.
    sources: Object.fromEntries(Object.entries(sources).filter(([name]) => name.startsWith(`${nick}-`))),
    raisedHand: Number(textOf(child(x, 'jitsi_participant_raisedHand'))) || 0,
    recording: textOf(child(x, 'jitsi_participant_localRecording')) === 'true',
    caps: child(x, 'c', ns.caps)?.attrs['ver'] ?? '',
  };
}

/** The children a profile puts into a presence. */
export function printProfile(p: Profile, capsNode: string): Xml[] {
  return [
    ...(p.statsId === '' ? [] : [el('stats-id', '', {}, p.statsId)]),
    ...(p.caps === '' ? [] : [el('c', ns.caps, { hash: 'sha-1', node: capsNode, ver: p.caps })]),
    ...(p.codecs.length === 0 ? [] : [el('jitsi_participant_codecList', '', {}, p.codecs.join(','))]),
    el('SourceInfo', '', {}, printSourceInfo(p.sources)),
    ...(p.raisedHand === 0 ? [] : [el('jitsi_participant_raisedHand', '', {}, String(p.raisedHand))]),
    ...(p.recording ? [el('jitsi_participant_localRecording', '', {}, 'true')] : []),
    ...(p.name === '' ? [] : [el('nick', ns.nick, {}, p.name)]),
  ];
}

/** Reads a presence of the room. Undefined: not one of a member (no item), to be ignored. */
export function parsePresence(x: Xml): RoomPresence | undefined {
  const nick = resource(x.attrs['from'] ?? '');
  const type = x.attrs['type'] ?? '';
  if (type === 'error') return { kind: 'error', nick, error: parseError(x) };
  const user = child(x, 'x', ns.mucUser);
  const item = child(user, 'item');
  if (nick === '' || !item) return undefined;
  const codes = childrenOf(user, 'status').map((s) => s.attrs['code']);
  const self = codes.includes('110');
  if (type === 'unavailable') {
    const destroy = child(user, 'destroy');
    const actor = child(item, 'actor');
    return {
      kind: 'left',
      departure: {
        nick,
        self,
        kicked: codes.includes('307') || codes.includes('301'),
        actor: actor?.attrs['nick'] ?? node(actor?.attrs['jid'] ?? ''),
        reason: textOf(child(destroy ?? item, 'reason')),
        destroyed: destroy !== undefined,
        alternative: destroy?.attrs['jid'] ?? '',
      },
    };
  }
  if (type !== '') return undefined;
  const properties: Record<string, string> = {};
  for (const p of childrenOf(child(x, 'conference-properties', ns.focus), 'property')) {
    if (p.attrs['key'] !== undefined) properties[p.attrs['key']] = p.attrs['value'] ?? '';
  }
  return {
    kind: 'available',
    occupant: {
      ...parseProfile(x, nick),
      nick,
      jid: item.attrs['jid'] ?? '',
      role: item.attrs['role'] ?? '',
      affiliation: item.attrs['affiliation'] ?? '',
      self,
      properties,
      bridgeNotAvailable: child(x, 'bridgeNotAvailable', ns.focus) !== undefined,
    },
  };
}

export interface JoinOptions {
  readonly password?: string;
  readonly billingId?: string;
}

export function printJoin(occupantJid: string, options: JoinOptions, profile: readonly Xml[]): Xml {
  return el(
    'presence',
    '',
    { to: occupantJid },
    el(
      'x',
      ns.muc,
      {},
      options.password === undefined ? null : el('password', ns.muc, {}, options.password),
      options.billingId === undefined ? null : el('billingid', ns.muc, {}, options.billingId),
    ),
    ...profile,
  );
}

export function printUpdate(occupantJid: string, profile: readonly Xml[]): Xml {
  return el('presence', '', { to: occupantJid }, ...profile);
}

/** why: `switch_room` for who goes to another room of the same meeting. */
export function printLeave(occupantJid: string, why = ''): Xml {
  return el('presence', '', { to: occupantJid, type: 'unavailable' }, why === '' ? null : el('status', '', {}, why));
}

/** Why a join was refused, in the terms the page acts on (signaling contract, "Errors on join"). */
export type Refusal = 'password' | 'slow' | 'lobby' | 'full' | 'conflict' | 'name-required' | 'no-room' | 'login' | 'other';

export function refusal(error: StanzaError): Refusal {
  switch (error.condition) {
    case 'not-authorized':
      return 'password';
    case 'policy-violation':
      return error.has('slow-down') ? 'slow' : 'other';
    case 'registration-required':
      return 'lobby';
    case 'service-unavailable':
      return 'full';
    case 'conflict':
      return 'conflict';
    case 'not-acceptable':
      return 'name-required';
    case 'not-allowed':
      if (error.has('room-does-not-exist') || error.message === 'Room creation is restricted') return 'no-room';
      return error.has('authentication-required') ? 'login' : 'other';
    default:
      return 'other';
  }
}

