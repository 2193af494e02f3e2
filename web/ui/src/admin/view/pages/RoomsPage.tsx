import { Card } from '../../../kit/Card.tsx';
import { SwitchField, TextField } from '../../../kit/Field.tsx';
import { ChoiceField } from '../../../kit/Fields.tsx';
import type { RoomFiles, Rooms } from '../../api.ts';
import { t } from '../../words.ts';
import { ListField } from '../ListField.tsx';
import { SectionForm } from '../Section.tsx';
import { Page, useEditor } from '../use.tsx';
import { UsersCard } from './UsersCard.tsx';

const creators = ['everybody', 'users', 'listed', 'scheduled'] as const;

const numberOf = (text: string) => Number(text.replaceAll(/\D/g, ''));
const textOf = (n: number | undefined) => (n ? String(n) : '');

/** Who may meet, in which rooms, and what stays of it. */
export function RoomsPage() {
  const section = useEditor<Rooms>('/api/v1/settings/rooms');
  return (
    <Page title={t('nav.page.rooms')} lead={t('rooms.lead')}>
      <Card title={t('rooms.rules')}>
        <SectionForm of={section}>
          {(draft, error) => {
            const files = draft.files ?? {};
            const put = (change: Partial<RoomFiles>) => section.change({ files: { ...files, ...change } });
            return (
              <>
                <ChoiceField
                  label={t('rooms.create')}
                  value={creators.find((c) => c === draft.create) ?? 'everybody'}
                  options={creators.map((c) => ({ value: c, label: t(`rooms.create.${c}`) }))}
                  onChange={(c) => section.change({ create: c === 'everybody' ? '' : c })}
                />
                {error('create') ? <p class="field-error">{error('create')}</p> : null}
                {draft.create === 'listed' ? <ListField label={t('rooms.listed')} value={draft.listed} field="listed" errors={section.fields.value} onChange={(listed) => section.change({ listed })} /> : null}
                <div class="form-row">
                  <TextField label={t('rooms.max')} value={textOf(draft.max_participants)} placeholder={t('rooms.no-limit')} inputMode="numeric" error={error('max_participants')} onInput={(v) => section.change({ max_participants: numberOf(v) })} />
                  <TextField label={t('rooms.history')} value={textOf(draft.history)} placeholder="0" inputMode="numeric" error={error('history')} onInput={(v) => section.change({ history: numberOf(v) })} />
                </div>
                <SwitchField label={t('rooms.archive')} on={draft.archive === true} onChange={(archive) => section.change({ archive })} />
                <SwitchField label={t('rooms.persistent')} on={draft.persistent === true} onChange={(persistent) => section.change({ persistent })} />
                <div class="form-row">
                  <TextField label={t('rooms.file')} value={textOf(files.max_mb)} placeholder={t('rooms.no-files')} inputMode="numeric" error={error('files.max_mb')} onInput={(v) => put({ max_mb: numberOf(v) })} />
                  <TextField label={t('rooms.file-total')} value={textOf(files.total_mb)} inputMode="numeric" error={error('files.total_mb')} onInput={(v) => put({ total_mb: numberOf(v) })} />
                  <TextField label={t('rooms.file-hours')} value={textOf(files.hours)} placeholder="24" inputMode="numeric" error={error('files.hours')} onInput={(v) => put({ hours: numberOf(v) })} />
                </div>
                <SwitchField label={t('rooms.clients')} hint={t('rooms.clients-hint')} on={draft.clients === true} onChange={(clients) => section.change({ clients })} />
              </>
            );
          }}
        </SectionForm>
      </Card>
      <UsersCard />
    </Page>
  );
}
