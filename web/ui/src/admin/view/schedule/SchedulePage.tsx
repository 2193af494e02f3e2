import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice, Tag } from '../../../kit/Card.tsx';
import { SwitchField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Planned, PlannedMeetings, Rooms } from '../../api.ts';
import { repeatOf } from '../../model/planned.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { hrefOf, page } from '../route.ts';
import { SectionForm } from '../Section.tsx';
import { Loaded, Page, useBox, useEditor, useResource } from '../use.tsx';
import { InvitationPage } from './InvitationPage.tsx';
import { MeetingDialog } from './MeetingDialog.tsx';
import { when } from './when.ts';
import './schedule.css';

/** The meetings that are planned; with an id after its name, the invitation to one. */
export function SchedulePage() {
  const [, id] = page.value.split('/');
  return id ? <InvitationPage key={id} id={id} /> : <Plans />;
}

function Plans() {
  const box = useBox();
  const list = useResource<PlannedMeetings>('/api/v1/schedule', 30_000);
  const [open, setOpen] = useState<Planned | 'new' | null>(null);
  const [gone, setGone] = useState<Planned | null>(null);
  const operator = box.may('operator');
  const done = () => {
    setOpen(null);
    setGone(null);
    void list.reload();
  };
  return (
    <Page
      title={t('nav.page.schedule')}
      lead={t('schedule.lead')}
      aside={
        operator ? (
          <Button kind="primary" onClick={() => setOpen('new')}>
            {t('schedule.add')}
          </Button>
        ) : null
      }
    >
      <Card title={t('schedule.title')}>
        <Loaded of={list}>
          {(data) => (
            <Table
              label={t('schedule.title')}
              rows={data.meetings}
              rowKey={(p) => p.id}
              empty={t('schedule.none')}
              columns={[
                { key: 'title', title: t('schedule.name'), head: true, cell: (p) => <a href={hrefOf(`schedule/${p.id}`)}>{p.meeting.title}</a> },
                { key: 'when', title: t('schedule.when'), cell: (p) => when(p) },
                { key: 'repeat', title: t('schedule.repeat'), cell: (p) => t(`schedule.repeat.${repeatOf(p.meeting)}`) },
                { key: 'rules', title: t('schedule.rules'), cell: (p) => <Rules plan={p} /> },
                {
                  key: 'do',
                  title: '',
                  cell: (p) =>
                    operator ? (
                      <span class="buttons row-buttons">
                        <button type="button" class="link-button" aria-label={t('accounts.change', { name: p.meeting.title })} onClick={() => setOpen(p)}>
                          {t('change')}
                        </button>
                        <button type="button" class="link-button" aria-label={t('accounts.remove', { name: p.meeting.title })} onClick={() => setGone(p)}>
                          {t('remove')}
                        </button>
                      </span>
                    ) : null,
                },
              ]}
            />
          )}
        </Loaded>
      </Card>
      <Shown />
      {open ? (
        <MeetingDialog
          plan={open === 'new' ? null : (list.data.value?.meetings.find((p) => p.id === open.id) ?? open)}
          zones={list.data.value?.zones ?? []}
          done={done}
          stale={() => void list.reload()}
          close={() => setOpen(null)}
        />
      ) : null}
      {gone ? (
        <Confirm
          title={t('accounts.remove', { name: gone.meeting.title })}
          text={<p>{t('schedule.remove-text')}</p>}
          label={t('remove')}
          people
          act={() => box.client.send('DELETE', `/api/v1/schedule/${gone.id}`, undefined, { etag: `"${gone.revision}"` })}
          onClose={() => setGone(null)}
          onDone={done}
        />
      ) : null}
    </Page>
  );
}

function Rules({ plan }: { readonly plan: Planned }) {
  const { password, lobby, hidden } = plan.meeting;
  const tags = [password ? t('schedule.password') : '', lobby ? t('schedule.lobby') : '', hidden ? t('schedule.hidden') : ''].filter(Boolean);
  return tags.length === 0 ? '–' : <span class="buttons">{tags.map((tag) => <Tag key={tag}>{tag}</Tag>)}</span>;
}

/** Whether guests see what is planned. */
function Shown() {
  const section = useEditor<Rooms>('/api/v1/settings/rooms');
  return (
    <Card title={t('schedule.shown')}>
      <SectionForm of={section}>
        {(draft) => (
          <>
            <SwitchField label={t('schedule.show')} hint={t('schedule.show-hint')} on={draft.hide_schedule !== true} onChange={(on) => section.change({ hide_schedule: !on })} />
            {draft.create === 'scheduled' ? (
              <Notice>
                <p>{t('schedule.only')}</p>
              </Notice>
            ) : null}
          </>
        )}
      </SectionForm>
    </Card>
  );
}
