// Who may switch a microphone or camera on: orders to the service, and its pushes (signaling contract
// 7.2). And the services that have one order each: the end of a meeting, speaking, settings of a room.

import { array, object, text, type Json } from './json.ts';
import { ns } from './ns.ts';
import { el, type Xml } from './xml.ts';

/** `desktop` is a shared screen. */
export type Medium = 'audio' | 'video' | 'desktop';

export type ModerationPush =
  | { readonly kind: 'state'; readonly medium: Medium; readonly on: boolean; /** Address in the room. */ readonly actor: string }
  /** We may, or may not any more. */
  | { readonly kind: 'self'; readonly medium: Medium; readonly allowed: boolean }
  /** For moderators: the addresses in the room of who may. */
  | { readonly kind: 'lists'; readonly lists: Readonly<Record<Medium, readonly string[]>> };

export function parseModerationPush(body: Json): ModerationPush | undefined {
  if ('whitelists' in body) {
    const lists = object(body['whitelists']);
    const list = (medium: Medium) => array(lists[medium]).map(text);
    return { kind: 'lists', lists: { audio: list('audio'), video: list('video'), desktop: list('desktop') } };
  }
  const medium = text(body['mediaType']);
  if (medium !== 'audio' && medium !== 'video' && medium !== 'desktop') return undefined;
  if (typeof body['enabled'] === 'boolean') return { kind: 'state', medium, on: body['enabled'], actor: text(body['actor']) };
  if (body['approved'] === true) return { kind: 'self', medium, allowed: true };
  if (body['removed'] === true) return { kind: 'self', medium, allowed: false };
  return undefined;
}

export function printModeration(mediaType: Medium, on: boolean): Xml {
  return el('av_moderation', '', { enable: String(on), mediaType });
}

/** Lets somebody, or takes it back; participant is an address in the room. */
export function printAllow(mediaType: Medium, participant: string, allowed: boolean): Xml {
  return el('av_moderation', '', { mediaType, [allowed ? 'jidToWhitelist' : 'jidToBlacklist']: participant });
}

/** Ends the meeting for everybody (7.4). */
export function printEnd(): Xml {
  return el('end_conference', '');
}

/** That we have become the dominant speaker, or went silent as such (7.8). */
export function printSpeaking(room: string, silence: boolean): Xml {
  return el('speakerstats', ns.jitmeet, { room, silence: String(silence) });
}

/** Sets one key of the room's settings (7.5). */
export function printMetadata(room: string, key: string, data: unknown): Xml {
  return el('room_metadata', ns.jitmeet, { room }, JSON.stringify({ type: 'room_metadata', key, data }));
}
