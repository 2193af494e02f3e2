import { useId, useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Notice } from '../../../kit/Card.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { SelectField, SwitchField, TextField } from '../../../kit/Field.tsx';
import { TextArea } from '../../../kit/Fields.tsx';
import type { Planned, PlannedMeeting } from '../../api.ts';
import { newMeeting, repeatOf, repeats, roomFrom, tidy } from '../../model/planned.ts';
import { t } from '../../words.ts';
import { PeopleNow } from '../PeopleNow.tsx';
import { Problem, useAction, useBox } from '../use.tsx';

interface MeetingDialogProps {
  /** null for a new one. */
  readonly plan: Planned | null;
  readonly zones: readonly string[];
  readonly done: () => void;
  /** Somebody else has changed the plan meanwhile; what is typed stays, and may be sent again. */
  readonly stale: () => void;
  readonly close: () => void;
}

export function MeetingDialog({ plan, zones, done, stale, close }: MeetingDialogProps) {
  const { client } = useBox();
  const act = useAction();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [m, setM] = useState<PlannedMeeting>(plan?.meeting ?? newMeeting(new Date(), own));
  const [named, setNamed] = useState(plan !== null);
  const put = (change: Partial<PlannedMeeting>) => setM({ ...m, ...change });
  const error = (field: string) => act.fields.value[field];
  const timed = m.repeat !== 'always';
  const options = [...new Set([m.zone ?? own, own, ...zones])].filter(Boolean);
  const go = async (event: Event) => {
    event.preventDefault();
    const wanted = tidy(m);
    const send = plan ? () => client.send('PUT', `/api/v1/schedule/${plan.id}`, wanted, { etag: `"${plan.revision}"` }) : () => client.send('POST', '/api/v1/schedule', wanted);
    if (await act.run(send)) done();
    else if (act.code.value === 'conflict') stale();
  };
  return (
    <Dialog title={plan ? t('accounts.change', { name: plan.meeting.title }) : t('schedule.add')} closeLabel={t('close')} onClose={close}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <Problem of={act} />
        <TextField label={t('schedule.name')} value={m.title} autofocus error={error('title')} onInput={(title) => put(named ? { title } : { title, room: roomFrom(title) })} />
        <TextField
          label={t('schedule.room')}
          value={m.room}
          mono
          hint={t('schedule.room-hint')}
          error={error('room')}
          onInput={(room) => {
            setNamed(true);
            put({ room });
          }}
        />
        <SelectField label={t('schedule.repeat')} value={repeatOf(m)} options={repeats.map((r) => ({ value: r, label: t(`schedule.repeat.${r}`) }))} onChange={(r) => put({ repeat: r === 'once' ? '' : r })} />
        {timed ? (
          <>
            <div class="form-row">
              <DateField label={t('schedule.begin')} type="datetime-local" value={m.begin ?? ''} error={error('begin')} onInput={(begin) => put({ begin })} />
              <TextField label={t('schedule.minutes')} value={String(m.minutes ?? '')} inputMode="numeric" error={error('minutes')} onInput={(v) => put({ minutes: Number(v.replaceAll(/\D/g, '')) })} />
            </div>
            <SelectField label={t('schedule.zone')} value={m.zone ?? own} options={options.map((z) => ({ value: z, label: z.replaceAll('_', ' ') }))} onChange={(zone) => put({ zone })} />
            {m.repeat ? <DateField label={t('schedule.last')} type="date" value={m.last_day ?? ''} error={error('last_day')} onInput={(last_day) => put({ last_day })} /> : null}
          </>
        ) : null}
        <TextField label={t('schedule.host')} value={m.host ?? ''} error={error('host')} onInput={(host) => put({ host })} />
        <TextArea prose label={t('schedule.note')} value={m.note ?? ''} rows={2} error={error('note')} onInput={(note) => put({ note })} />
        <div class="form-row">
          <TextField label={t('schedule.password')} value={m.password ?? ''} mono error={error('password')} onInput={(password) => put({ password })} />
          <TextField label={t('rooms.max')} value={m.max_participants ? String(m.max_participants) : ''} placeholder={t('rooms.no-limit')} inputMode="numeric" error={error('max_participants')} onInput={(v) => put({ max_participants: Number(v.replaceAll(/\D/g, '')) })} />
        </div>
        <SwitchField label={t('schedule.lobby')} hint={t('schedule.lobby-hint')} on={m.lobby === true} onChange={(lobby) => put({ lobby })} />
        <SwitchField label={t('schedule.hide')} on={m.hidden === true} onChange={(hidden) => put({ hidden })} />
        {plan ? (
          <>
            <PeopleNow />
            <Notice>
              <p>{t('schedule.later')}</p>
            </Notice>
          </>
        ) : null}
        <div class="dialog-actions">
          <Button onClick={close}>{t('cancel')}</Button>
          <Button kind="primary" type="submit" disabled={act.busy.value}>
            {t('save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface DateFieldProps {
  readonly label: string;
  readonly type: 'date' | 'datetime-local';
  readonly value: string;
  readonly error: string | undefined;
  readonly onInput: (value: string) => void;
}

function DateField({ label, type, value, error, onInput }: DateFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class="field-label">
        {label}
      </label>
      <input id={id} class="field-input" type={type} value={value} aria-invalid={error ? true : undefined} aria-describedby={error ? `${id}-note` : undefined} onInput={(event) => onInput(event.currentTarget.value)} />
      {error ? (
        <p id={`${id}-note`} class="field-error" role="alert">
          {error}
        </p>
      ) : null}
    </div>
  );
}
