import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { Poll, Polls } from '../../model/together/polls.ts';
import type { Meeting } from '../../model/types.ts';
import { Panel } from '../room/Panel.tsx';
import './together.css';
import './polls.css';

/** The meeting's polls, the newest last as they were asked, and a way to ask one. */
export function PollsPanel({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  const polls = meeting.together.value?.polls;
  return (
    <Panel title={tt('polls.title')} close={close}>
      {polls ? <Content polls={polls} /> : <p class="panel-note">{tt('loading')}</p>}
    </Panel>
  );
}

function Content({ polls }: { readonly polls: Polls }) {
  const [asking, setAsking] = useState(false);
  const list = polls.list.value;
  if (asking) {
    return (
      <NewPoll
        create={(question, answers) => {
          polls.create(question, answers);
          setAsking(false);
        }}
        cancel={() => setAsking(false)}
      />
    );
  }
  return (
    <>
      <div class="panel-body">
        {list.length === 0 ? (
          <div class="panel-empty">
            <Icon name="polls" size={30} />
            <p>{tt('polls.empty')}</p>
          </div>
        ) : null}
        {list.map((poll) => (
          <OnePoll key={poll.id} poll={poll} vote={(answers) => polls.vote(poll.id, answers)} />
        ))}
      </div>
      <div class="panel-foot">
        <Button kind={list.length === 0 ? 'primary' : 'secondary'} wide onClick={() => setAsking(true)}>
          <Icon name="plus" size={18} />
          {tt('polls.new')}
        </Button>
      </div>
    </>
  );
}

/** Limits of Jitsi's service: bytes of a text; answers stay readable in a column. */
const longest = 250;
const mostAnswers = 12;

interface NewPollProps {
  readonly create: (question: string, answers: readonly string[]) => void;
  readonly cancel: () => void;
}

function NewPoll({ create, cancel }: NewPollProps) {
  const [question, setQuestion] = useState('');
  const [answers, setAnswers] = useState<readonly string[]>(['', '']);
  const [tried, setTried] = useState(false);
  const given = [...new Set(answers.map((a) => a.trim()).filter((a) => a !== ''))];
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (question.trim() !== '' && given.length >= 2) create(question.trim(), given);
  };
  return (
    <form class="poll-form" onSubmit={submit}>
      <div class="panel-body poll-fields">
        <TextField
          label={tt('polls.question')}
          value={question}
          maxLength={longest}
          autofocus
          error={tried && question.trim() === '' ? tt('polls.need-question') : undefined}
          onInput={setQuestion}
        />
        {answers.map((answer, i) => (
          // oxlint-disable-next-line react/no-array-index-key -- an answer is its place
          <div key={i} class="poll-answer-field">
            <TextField
              label={tt('polls.answer', { n: i + 1 })}
              value={answer}
              maxLength={longest}
              error={tried && i === answers.length - 1 && given.length < 2 ? tt('polls.need-answers') : undefined}
              onInput={(text) => setAnswers(answers.map((a, j) => (j === i ? text : a)))}
            />
            {answers.length > 2 ? (
              <IconButton label={tt('polls.drop', { n: i + 1 })} look="plain" small onClick={() => setAnswers(answers.filter((_, j) => j !== i))}>
                <Icon name="close" size={18} />
              </IconButton>
            ) : null}
          </div>
        ))}
        {answers.length < mostAnswers ? (
          <Button kind="quiet" onClick={() => setAnswers([...answers, ''])}>
            <Icon name="plus" size={18} />
            {tt('polls.add')}
          </Button>
        ) : null}
      </div>
      <div class="panel-foot panel-foot-two">
        <Button kind="quiet" onClick={cancel}>
          {t('dialog.cancel')}
        </Button>
        <Button kind="primary" type="submit">
          {tt('polls.start')}
        </Button>
      </div>
    </form>
  );
}

interface OnePollProps {
  readonly poll: Poll;
  readonly vote: (answers: readonly boolean[]) => void;
}

function OnePoll({ poll, vote }: OnePollProps) {
  // Who has not voted chooses; who has, or does not want to, looks at the results.
  const [choosing, setChoosing] = useState(poll.mine === null);
  return (
    <section class="poll" aria-label={poll.question}>
      <h3 dir="auto">{poll.question}</h3>
      <p class="poll-by">
        {poll.own ? tt('polls.by-you') : tt('polls.by', { name: poll.sender.name || t('person.guest') })} · {tt('polls.votes', { n: poll.votes })}
      </p>
      {choosing ? (
        <Choose
          poll={poll}
          vote={(answers) => {
            vote(answers);
            setChoosing(false);
          }}
          skip={() => setChoosing(false)}
        />
      ) : (
        <Results poll={poll} change={() => setChoosing(true)} />
      )}
    </section>
  );
}

interface ChooseProps {
  readonly poll: Poll;
  readonly vote: (answers: readonly boolean[]) => void;
  readonly skip: () => void;
}

function Choose({ poll, vote, skip }: ChooseProps) {
  const [chosen, setChosen] = useState<readonly boolean[]>(poll.mine ?? poll.answers.map(() => false));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        vote(chosen);
      }}
    >
      {poll.answers.map((answer, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- an answer is its place
        <label key={i} class="poll-choice">
          <input type="checkbox" checked={chosen[i] ?? false} onChange={(event) => setChosen(poll.answers.map((_, j) => (j === i ? event.currentTarget.checked : (chosen[j] ?? false))))} />
          <span dir="auto">{answer.name}</span>
        </label>
      ))}
      <div class="poll-actions">
        <Button kind="quiet" onClick={skip}>
          {tt('polls.results')}
        </Button>
        <Button kind="primary" type="submit" disabled={poll.mine === null && !chosen.includes(true)}>
          {tt('polls.vote')}
        </Button>
      </div>
    </form>
  );
}

function Results({ poll, change }: { readonly poll: Poll; readonly change: () => void }) {
  return (
    <>
      <ul class="poll-results">
        {poll.answers.map((answer, i) => {
          const n = answer.voters.length;
          const percent = poll.votes === 0 ? 0 : Math.round((n / poll.votes) * 100);
          return (
            // oxlint-disable-next-line react/no-array-index-key -- an answer is its place
            <li key={i} class="poll-result">
              <span class="poll-result-head">
                <span dir="auto">
                  {answer.name}
                  {poll.mine?.[i] ? <span class="poll-mine">{tt('polls.mine')}</span> : null}
                </span>
                <span class="poll-share">{tt('polls.share', { n, percent })}</span>
              </span>
              <span class="poll-bar" aria-hidden="true">
                <span style={{ inlineSize: `${percent}%` }} />
              </span>
              {n > 0 ? <span class="poll-voters">{answer.voters.map((v) => v.name || t('person.guest')).join(', ')}</span> : null}
            </li>
          );
        })}
      </ul>
      <div class="poll-actions">
        <Button kind="quiet" onClick={change}>
          {poll.mine === null ? tt('polls.vote') : tt('polls.change')}
        </Button>
      </div>
    </>
  );
}
