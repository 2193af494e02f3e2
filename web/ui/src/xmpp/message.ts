// Messages of a room: chat, subject, announcements, and the pushes of the room's helpers.

import { resource } from './jid.ts';
import { ns } from './ns.ts';
import { parseJsonMessage } from './sources.ts';
import { parseError, type StanzaError } from './stanza.ts';
import { child, childrenOf, el, textOf, type Xml } from './xml.ts';

export type RoomMessage =
  | {
      readonly kind: 'chat';
      readonly id: string;
      readonly nick: string;
      readonly text: string;
      readonly private: boolean;
      /** Milliseconds since 1970 when the room delayed it, else null. */
      readonly sent: number | null;
    }
  | { readonly kind: 'subject'; readonly text: string }
  /** The room's configuration changed. */
  | { readonly kind: 'configured' }
  | { readonly kind: 'json'; readonly from: string; readonly type: string; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'error'; readonly id: string; readonly error: StanzaError };

/** Reads a message; undefined when there is nothing in it for a meeting. */
export function parseMessage(x: Xml): RoomMessage | undefined {
  const from = x.attrs['from'] ?? '';
  const id = x.attrs['id'] ?? '';
  const type = x.attrs['type'] ?? '';
  if (type === 'error') return { kind: 'error', id, error: parseError(x) };
  const delay = child(x, 'delay', ns.delay);
  const json = parseJsonMessage(child(x, 'json-message', ns.jitmeet));
  if (typeof json === 'object' && json !== null && !delay) {
    const body = json as Record<string, unknown>;
    const kind = body['type'];
    return typeof kind === 'string' ? { kind: 'json', from, type: kind, body } : undefined;
  }
  const subject = child(x, 'subject');
  const body = child(x, 'body');
  // A subject together with a body is an ordinary message with a headline (XEP-0045, 8.1).
  if (subject && !body && type === 'groupchat') return { kind: 'subject', text: textOf(subject) };
  const nick = resource(from);
  if (body && nick !== '' && (type === 'groupchat' || type === 'chat')) {
    const stamp = Date.parse(delay?.attrs['stamp'] ?? '');
    return { kind: 'chat', id, nick, text: textOf(body), private: type === 'chat', sent: Number.isNaN(stamp) ? null : stamp };
  }
  if (childrenOf(child(x, 'x', ns.mucUser), 'status').some((s) => s.attrs['code'] === '104')) return { kind: 'configured' };
  return undefined;
}

/** A chat message to the room, or to one occupant. */
export function printChat(to: string, isPrivate: boolean, id: string, text: string): Xml {
  return el('message', '', { to, type: isPrivate ? 'chat' : 'groupchat', id }, el('body', '', {}, text));
}
