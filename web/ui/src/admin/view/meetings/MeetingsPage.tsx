import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { ago } from '../../../i18n/words.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Meetings, PastMeetings } from '../../api.ts';
import { roomName } from '../../model/seats.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { hrefOf, page } from '../route.ts';
import { Loaded, Page, useBox, useResource } from '../use.tsx';
import { MeetingDetail } from './MeetingDetail.tsx';

/** The meetings that run and those that were; with an id after its name, one of them. */
export function MeetingsPage() {
  const [, id] = page.value.split('/');
  return id ? <MeetingDetail key={id} id={decodeURIComponent(id)} /> : <MeetingList />;
}

function MeetingList() {
  const box = useBox();
  const now = useResource<Meetings>('/api/v1/meetings', 5000);
  const past = useResource<PastMeetings>('/api/v1/meetings/past', 30_000);
  const [forget, setForget] = useState(false);
  return (
    <Page title={t('nav.page.meetings')} lead={t('meetings.lead')}>
      <Card title={t('meetings.now')}>
        <Loaded of={now}>
          {(data) => (
            <Table
              label={t('meetings.now')}
              rows={data.meetings}
              rowKey={(m) => `${m.id} ${m.room}`}
              empty={t('meetings.none')}
              columns={[
                { key: 'room', title: t('overview.room'), head: true, cell: (m) => <RoomLink id={m.id} room={m.room} breakout={m.breakout} /> },
                { key: 'people', title: t('overview.people'), cell: (m) => String(m.people) },
                { key: 'since', title: t('since'), cell: (m) => ago(Date.parse(m.since), Date.now() - box.skew.value) },
              ]}
            />
          )}
        </Loaded>
      </Card>
      <Card title={t('meetings.past')} text={past.data.value ? t('meetings.past-text', { n: past.data.value.days }) : undefined} aside={box.may('admin') ? <Button onClick={() => setForget(true)}>{t('meetings.forget')}</Button> : null}>
        <Loaded of={past}>
          {(data) => (
            <Table
              label={t('meetings.past')}
              rows={data.meetings.filter((m) => m.ended)}
              rowKey={(m) => m.id}
              empty={t('meetings.no-past')}
              columns={[
                { key: 'room', title: t('overview.room'), head: true, cell: (m) => <RoomLink id={m.id} room={m.room} breakout={m.breakout === true} /> },
                { key: 'began', title: t('meetings.began'), cell: (m) => date(m.began) },
                { key: 'lasted', title: t('meetings.lasted'), cell: (m) => t('meetings.minutes', { n: Math.max(1, Math.round((Date.parse(m.ended ?? m.began) - Date.parse(m.began)) / 60_000)) }) },
                { key: 'most', title: t('overview.people'), cell: (m) => String(m.most) },
                { key: 'dropped', title: t('meetings.dropped'), cell: (m) => (m.dropped > 0 ? String(m.dropped) : '–') },
              ]}
            />
          )}
        </Loaded>
      </Card>
      {forget ? (
        <Confirm
          title={t('meetings.forget')}
          text={<p>{t('meetings.forget-text')}</p>}
          label={t('meetings.forget')}
          people
          act={() => box.client.send('DELETE', '/api/v1/meetings/past')}
          onClose={() => setForget(false)}
          onDone={() => {
            setForget(false);
            void past.reload();
          }}
        />
      ) : null}
    </Page>
  );
}

function RoomLink({ id, room, breakout }: { readonly id: string; readonly room: string; readonly breakout: boolean }) {
  return (
    <>
      <a href={hrefOf(`meetings/${encodeURIComponent(id)}`)}>{roomName(room)}</a>
      {breakout ? <span class="soft"> {t('meetings.breakout')}</span> : null}
    </>
  );
}
