// Messages of a room: chat, subject, announcements, and the pushes of the room's helpers.

import { resource } from './jid.ts';
import { ns } from './ns.ts';
import { parseJsonMessage } from './sources.ts';
import { parseError, type StanzaError } from './stanza.ts';
import { child, childrenOf, el, textOf, type Xml } from './xml.ts';

/** What all messages of people say. */
interface Said {
  readonly nick: string;
  readonly private: boolean;
}

export type RoomMessage =
  | (Said & {
      readonly kind: 'chat';
      readonly id: string;
      readonly text: string;
      /** Milliseconds since 1970 when the room delayed it, else null. */
      readonly sent: number | null;
      /** The name its sender had, where the room says it: in the history. */
      readonly name: string;
      /** Id of the message that it answers, '' for none (XEP-0461). */
      readonly replyTo: string;
    })
  /** Reactions to a message (XEP-0444). */
  | (Said & { readonly kind: 'reactions'; readonly to: string; readonly emojis: readonly string[] })
  /** A message is taken back (XEP-0424). */
  | (Said & { readonly kind: 'retraction'; readonly of: string })
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
  const nick = resource(from);
  if (nick !== '' && (type === 'groupchat' || type === 'chat')) {
    const said = parseSaid(x, nick, id, type === 'chat', Date.parse(delay?.attrs['stamp'] ?? ''));
    if (said) return said;
  }
  const subject = child(x, 'subject');
  // A subject together with a body is an ordinary message with a headline (XEP-0045, 8.1).
  if (subject && type === 'groupchat' && !child(x, 'body')) return { kind: 'subject', text: textOf(subject) };
  if (childrenOf(child(x, 'x', ns.mucUser), 'status').some((s) => s.attrs['code'] === '104')) return { kind: 'configured' };
  return undefined;
}

function parseSaid(x: Xml, nick: string, id: string, isPrivate: boolean, stamp: number): RoomMessage | undefined {
  const reactions = child(x, 'reactions', ns.reactions);
  if (reactions) {
    const emojis = childrenOf(reactions, 'reaction').map(textOf).filter((e) => e !== '' && e.length <= 32);
    const to = reactions.attrs['id'] ?? '';
    return to === '' ? undefined : { kind: 'reactions', nick, private: isPrivate, to, emojis };
  }
  // Its body is for clients that do not know it, so it is looked for first.
  const retract = child(x, 'retract', ns.retract);
  if (retract) return { kind: 'retraction', nick, private: isPrivate, of: retract.attrs['id'] ?? '' };
  const body = child(x, 'body');
  if (!body) return undefined;
  const reply = child(x, 'reply', ns.reply);
  return {
    kind: 'chat',
    id,
    nick,
    text: textOf(body),
    private: isPrivate,
    sent: Number.isNaN(stamp) ? null : stamp,
    name: textOf(child(x, 'display-name', ns.displayName)),
    // Jitsi's clients put the message's id where the XEP has its author's address.
    replyTo: reply?.attrs['id'] ?? reply?.attrs['to'] ?? '',
  };
}

/** Where a message goes: the room, or one occupant of it. */
export interface Address {
  readonly to: string;
  readonly private: boolean;
}

function message(where: Address, id: string, ...children: readonly (Xml | null)[]): Xml {
  return el('message', '', { to: where.to, type: where.private ? 'chat' : 'groupchat', id }, ...children);
}

/** A chat message; replyTo is the id of the one that it answers, '' for none. */
export function printChat(where: Address, id: string, text: string, replyTo = ''): Xml {
  return message(where, id, el('body', '', {}, text), replyTo === '' ? null : el('reply', ns.reply, { to: replyTo, id: replyTo }));
}

/** One more reaction of ours: Jitsi's clients add what comes, and take none away. */
export function printReaction(where: Address, id: string, to: string, emoji: string): Xml {
  return message(where, id, el('reactions', ns.reactions, { id: to }, el('reaction', ns.reactions, {}, emoji)), el('store', ns.hints));
}

/** Takes a message of ours back. */
export function printRetraction(where: Address, id: string, of: string): Xml {
  return message(
    where,
    id,
    el('retract', ns.retract, { id: of }),
    el('fallback', ns.fallback, { for: ns.retract }),
    el('body', '', {}, 'A message was taken back, which this client cannot show.'),
    el('store', ns.hints),
  );
}
