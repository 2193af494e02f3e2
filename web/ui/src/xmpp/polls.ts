// Polls of a room: messages to and from the polls service (signaling contract 7.7). Who asked and who
// voted is the service's word.

import { array, object, text, type Json } from './json.ts';
import { ns } from './ns.ts';
import { el, type Xml } from './xml.ts';

export interface Voter {
  /** Endpoint id. */
  readonly id: string;
  readonly name: string;
}

export interface PollAnswer {
  readonly name: string;
  readonly voters: readonly Voter[];
}

export interface PollInfo {
  readonly id: string;
  readonly sender: Voter;
  readonly question: string;
  readonly answers: readonly PollAnswer[];
}

export type PollPush =
  | { readonly kind: 'new'; readonly poll: PollInfo }
  /** Everything so far, for who joins. */
  | { readonly kind: 'all'; readonly polls: readonly PollInfo[] }
  | { readonly kind: 'vote'; readonly poll: string; readonly voter: Voter; readonly answers: readonly boolean[] };

function parsePoll(v: unknown): PollInfo | undefined {
  const p = object(v);
  const id = text(p['pollId']);
  if (id === '') return undefined;
  return {
    id,
    sender: { id: text(p['senderId']), name: text(p['senderName']) },
    question: text(p['question']),
    answers: array(p['answers']).map((a) => ({
      name: text(object(a)['name']),
      voters: array(object(a)['voters']).map((w) => ({ id: text(object(w)['id']), name: text(object(w)['name']) })),
    })),
  };
}

/** Reads a push; undefined when it is none that we know. */
export function parsePollPush(body: Json): PollPush | undefined {
  switch (body['command']) {
    case 'new-poll': {
      const poll = parsePoll(body);
      return poll && { kind: 'new', poll };
    }
    case 'old-polls':
      return { kind: 'all', polls: array(body['polls']).flatMap((p) => parsePoll(p) ?? []) };
    case 'answer-poll':
      return {
        kind: 'vote',
        poll: text(body['pollId']),
        voter: { id: text(body['senderId']), name: text(body['senderName']) },
        answers: array(body['answers']).map((a) => a === true),
      };
    default:
      return undefined;
  }
}

function command(body: object): Xml {
  return el('json-message', ns.jitmeet, {}, JSON.stringify({ type: 'polls', ...body }));
}

export function printNewPoll(pollId: string, question: string, answers: readonly string[]): Xml {
  return command({ command: 'new-poll', pollId, question, answers: answers.map((name) => ({ name })) });
}

/** answers: for each of the poll's, whether it is ours. A later vote replaces an earlier one. */
export function printVote(pollId: string, answers: readonly boolean[]): Xml {
  return command({ command: 'answer-poll', pollId, answers });
}
