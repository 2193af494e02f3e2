// The meeting's polls. The list is what the service says; a vote counts when it comes back from there.

import { computed, signal, type ReadonlySignal } from '@preact/signals-core';

import { parsePollPush, printNewPoll, printVote, type PollInfo, type Voter } from '../../../xmpp/polls.ts';
import type { Wire } from '../wire.ts';

export interface Poll extends PollInfo {
  readonly own: boolean;
  /** How many have voted. */
  readonly votes: number;
  /** What we have voted for, by answer; null while we have not. */
  readonly mine: readonly boolean[] | null;
}

export interface Polls {
  readonly available: ReadonlySignal<boolean>;
  readonly list: ReadonlySignal<readonly Poll[]>;
  /** How many of others' polls came while nobody looked. */
  readonly unseen: ReadonlySignal<number>;
  create(question: string, answers: readonly string[]): void;
  /** Votes, or changes the vote. */
  vote(poll: string, answers: readonly boolean[]): void;
  looking(open: boolean): void;
}

export function createPolls(wire: Wire): Polls {
  const infos = signal<readonly PollInfo[]>([]);
  // Ours by our word: after a reconnect the service may know us under another endpoint id.
  const votes = signal<ReadonlyMap<string, readonly boolean[]>>(new Map());
  const asked = new Set<string>();
  const unseen = signal(0);
  let open = false;

  const named = (v: Voter): Voter => ({ id: v.id, name: wire.who(v.id)?.name.peek() || v.name });

  wire.onFresh(() => {
    infos.value = [];
  });
  wire.onPush('polls', (body) => {
    const push = parsePollPush(body);
    switch (push?.kind) {
      case 'all':
        infos.value = push.polls;
        return;
      case 'new':
        if (infos.peek().some((p) => p.id === push.poll.id)) return;
        infos.value = [...infos.peek(), push.poll];
        if (asked.has(push.poll.id)) return;
        if (!open) unseen.value += 1;
        wire.notice({ kind: 'poll', name: named(push.poll.sender).name, text: push.poll.question });
        return;
      case 'vote': {
        const { voter } = push;
        infos.value = infos.peek().map((p) =>
          p.id !== push.poll
            ? p
            : { ...p, answers: p.answers.map((a, i) => ({ ...a, voters: [...a.voters.filter((v) => v.id !== voter.id), ...(push.answers[i] ? [voter] : [])] })) },
        );
        if (voter.id === wire.endpoint()) votes.value = new Map(votes.peek()).set(push.poll, push.answers);
      }
    }
  });

  return {
    available: computed(() => wire.services.value.has('polls')),
    list: computed(() =>
      infos.value.map((p) => {
        const answers = p.answers.map((a) => ({ ...a, voters: a.voters.map(named) }));
        return {
          ...p,
          answers,
          sender: named(p.sender),
          own: asked.has(p.id) || p.sender.id === wire.endpoint(),
          votes: new Set(answers.flatMap((a) => a.voters.map((v) => v.id))).size,
          mine: votes.value.get(p.id) ?? null,
        };
      }),
    ),
    unseen,
    create(question, answers) {
      const id = wire.newId();
      asked.add(id);
      wire.send('polls', printNewPoll(id, question, answers), 'chat');
    },
    vote(poll, answers) {
      wire.send('polls', printVote(poll, answers), 'chat');
    },
    looking(now) {
      open = now;
      if (now) unseen.value = 0;
    },
  };
}
