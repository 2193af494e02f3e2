import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { clock } from '../../../i18n/words.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts, Tag } from '../../../kit/Card.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { MeetingLine, MeetingRecord, MeetingSeat } from '../../api.ts';
import { mbits, moodOf, nameOf, percent, roomName } from '../../model/seats.ts';
import { known, t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { hrefOf } from '../route.ts';
import { Loaded, Page, Problem, useAction, useBox, useResource } from '../use.tsx';
import { Quality } from './Quality.tsx';
import './meetings.css';

type Order = { readonly what: 'end' } | { readonly what: 'remove'; readonly seat: MeetingSeat };

/** One meeting: who is or was in it, how good the lines are, and what happened. */
export function MeetingDetail({ id }: { readonly id: string }) {
  const box = useBox();
  const path = `/api/v1/meetings/${encodeURIComponent(id)}`;
  const record = useResource<MeetingRecord>(path, 5000);
  const [order, setOrder] = useState<Order | null>(null);
  const act = useAction();
  const data = record.data.value;
  const running = data !== null && !data.ended;
  const operator = box.may('operator');
  const person = (seat: MeetingSeat) => `${path}/people/${encodeURIComponent(seat.endpoint)}`;
  const mute = async (seat: MeetingSeat, medium: string) => {
    if (await act.run(() => box.client.send('POST', `${person(seat)}/mute`, { medium }))) await record.reload();
  };
  return (
    <Page
      title={data ? roomName(data.room) : t('nav.page.meetings')}
      lead={data ? (data.ended ? t('meeting.over', { from: date(data.began), until: date(data.ended) }) : t('meeting.runs', { from: date(data.began) })) : ''}
      aside={
        <div class="buttons">
          <a class="button button-secondary" href={hrefOf('meetings')}>
            {t('meeting.all')}
          </a>
          {running && operator ? (
            <Button kind="danger" onClick={() => setOrder({ what: 'end' })}>
              {t('meeting.end')}
            </Button>
          ) : null}
        </div>
      }
    >
      <Problem of={act} />
      <Loaded of={record}>
        {(r) => (
          <>
            {running ? <Now people={r.people.filter((s) => !s.left)} operator={operator} mute={(seat, medium) => void mute(seat, medium)} remove={(seat) => setOrder({ what: 'remove', seat })} /> : null}
            <Card title={t('meeting.events')} text={t('meeting.events-text')}>
              <Events lines={r.events} />
              {r.cut ? <p class="soft">{t('meeting.cut')}</p> : null}
            </Card>
            <Card title={t('meeting.people')}>
              <Stays people={r.people} />
            </Card>
          </>
        )}
      </Loaded>
      {order ? (
        <Confirm
          title={order.what === 'end' ? t('meeting.end') : t('meeting.remove', { name: nameOf(order.seat) })}
          text={<p>{order.what === 'end' ? t('meeting.end-text', { n: (data?.people ?? []).filter((s) => !s.left).length }) : t('meeting.remove-text')}</p>}
          label={order.what === 'end' ? t('meeting.end') : t('remove')}
          people
          act={() => box.client.send('POST', order.what === 'end' ? `${path}/end` : `${person(order.seat)}/remove`)}
          onClose={() => setOrder(null)}
          onDone={() => {
            setOrder(null);
            void record.reload();
          }}
        />
      ) : null}
    </Page>
  );
}

interface NowProps {
  readonly people: readonly MeetingSeat[];
  readonly operator: boolean;
  readonly mute: (seat: MeetingSeat, medium: string) => void;
  readonly remove: (seat: MeetingSeat) => void;
}

function Now({ people, operator, mute, remove }: NowProps) {
  return (
    <Card title={t('meeting.now', { n: people.length })}>
      <ul class="seats">
        {people.map((seat) => (
          <li key={seat.endpoint} class="seat">
            <div class="seat-head">
              <h3>{nameOf(seat)}</h3>
              <Tag mood={moodOf(seat.now?.line ?? null)}>{seat.now ? t(`line.${moodOf(seat.now.line)}`) : t('line.none')}</Tag>
            </div>
            {seat.now ? (
              <Facts
                facts={[
                  [t('line.rtt'), seat.now.line.rtt > 0 ? `${Math.round(seat.now.line.rtt)} ms` : '–'],
                  [t('line.loss'), `↑ ${percent(seat.now.line.loss_in)} · ↓ ${percent(seat.now.line.loss_out)}`],
                  [t('line.rate'), `↑ ${mbits(seat.now.line.received)} · ↓ ${mbits(seat.now.line.sent)}`],
                  [t('line.video'), seat.now.video === 'off' || !seat.now.video ? t('line.off') : `${seat.now.video}p`],
                  [t('line.path'), <span class="mono">{seat.now.path ?? '–'}</span>],
                ]}
              />
            ) : null}
            <Quality points={seat.quality} name={nameOf(seat)} />
            {operator ? (
              <div class="buttons">
                <Button onClick={() => mute(seat, 'audio')}>
                  {t('meeting.mute')}
                  <span class="sr-only"> {nameOf(seat)}</span>
                </Button>
                <Button onClick={() => mute(seat, 'video')}>
                  {t('meeting.stop-video')}
                  <span class="sr-only"> {nameOf(seat)}</span>
                </Button>
                <Button kind="danger" onClick={() => remove(seat)}>
                  {t('remove')}
                  <span class="sr-only"> {nameOf(seat)}</span>
                </Button>
              </div>
            ) : null}
          </li>
        ))}
      </ul>
      {people.length === 0 ? <p class="soft">{t('people-now', { n: 0 })}</p> : null}
    </Card>
  );
}

const moods: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = { weak: 'warn', interrupted: 'warn', refused: 'warn', removed: 'warn', better: 'good', back: 'good' };

/** What happened, as sentences. */
function Events({ lines }: { readonly lines: readonly MeetingLine[] }) {
  if (lines.length === 0) return <p class="table-empty">{t('nothing')}</p>;
  return (
    <ol class="events">
      {lines.map((l) => (
        <li key={`${l.at} ${l.event} ${l.endpoint ?? ''}`} class={`event event-${moods[l.event] ?? (dropped(l) ? 'bad' : 'calm')}`}>
          <time dateTime={l.at} title={date(l.at, 'second')}>
            {clock(Date.parse(l.at))}
          </time>
          <span>{sentence(l)}</span>
        </li>
      ))}
    </ol>
  );
}

const dropped = (l: MeetingLine) => l.event === 'left' && l.reason !== 'left' && l.reason !== 'room ended' && l.reason !== 'room destroyed';

function sentence(l: MeetingLine): string {
  const name = l.name || l.endpoint || '–';
  const actor = l.actor === 'console' ? t('event.console') : (l.actor ?? '');
  const reason = known('reason', (l.reason ?? '').replaceAll(' ', '-'));
  const values = { name, actor, reason: reason === (l.reason ?? '').replaceAll(' ', '-') ? (l.reason ?? '') : reason, medium: known('medium', l.medium ?? 'audio') };
  if (l.event === 'left' && actor !== '') return t('event.left-by', values);
  return known(`event`, l.event) === l.event ? l.event : t(`event.${l.event}` as 'event.joined', values);
}

function Stays({ people }: { readonly people: readonly MeetingSeat[] }) {
  return (
    <Table
      label={t('meeting.people')}
      rows={people}
      rowKey={(s) => `${s.endpoint} ${s.joined}`}
      empty={t('nothing')}
      columns={[
        { key: 'name', title: t('account.name'), head: true, cell: (s) => nameOf(s) },
        { key: 'joined', title: t('meeting.joined'), cell: (s) => date(s.joined) },
        { key: 'left', title: t('meeting.left'), cell: (s) => (s.left ? date(s.left) : t('meeting.here')) },
        { key: 'why', title: t('meeting.reason'), cell: (s) => (s.reason ? known('reason', s.reason.replaceAll(' ', '-')) : '–') },
        { key: 'quality', title: t('meeting.quality'), cell: (s) => <Quality points={s.quality} name={nameOf(s)} /> },
      ]}
    />
  );
}
