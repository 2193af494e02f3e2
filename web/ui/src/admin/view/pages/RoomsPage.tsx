import { Card } from '../../../kit/Card.tsx';
import { SwitchField, TextField } from '../../../kit/Field.tsx';
import { ChoiceField } from '../../../kit/Fields.tsx';
import type { Rooms } from '../../api.ts';
import { t } from '../../words.ts';
import { ListField } from '../ListField.tsx';
import { SectionForm } from '../Section.tsx';
import { Page, useEditor } from '../use.tsx';
import { UsersCard } from './UsersCard.tsx';

const creators = ['everybody', 'users', 'listed', 'scheduled'] as const;

/** How meetings begin, and how much of them is sent. */
const labels = {
  start_audio_muted: 'rooms.mute-audio',
  start_video_muted: 'rooms.mute-video',
  last_n: 'rooms.last-n',
  video_senders: 'rooms.video-senders',
  audio_senders: 'rooms.audio-senders',
} as const;
const numbers = ['start_audio_muted', 'start_video_muted', 'last_n', 'video_senders', 'audio_senders'] as const;

/** A codec's name as the box knows it. */
const codecOf = (text: string) => text.toUpperCase().replace('H.264', 'H264');

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
                  <TextField label={t('rooms.remember')} value={textOf(draft.remember_days)} placeholder="30" inputMode="numeric" error={error('remember_days')} onInput={(v) => section.change({ remember_days: numberOf(v) })} />
                  <TextField label={t('rooms.history')} value={textOf(draft.history)} placeholder="0" inputMode="numeric" error={error('history')} onInput={(v) => section.change({ history: numberOf(v) })} />
                </div>
                <div class="form-row">
                  {numbers.map((name) => (
                    <TextField
                      key={name}
                      label={t(labels[name])}
                      value={textOf(draft.media?.[name])}
                      placeholder={t(name.startsWith('start') ? 'rooms.nobody' : 'rooms.no-limit')}
                      inputMode="numeric"
                      error={error(`media.${name}`)}
                      onInput={(v) => section.change({ media: { ...draft.media, [name]: numberOf(v) } })}
                    />
                  ))}
                  <TextField label={t('rooms.loudest')} value={textOf(draft.loudest_voices)} placeholder={t('rooms.all-voices')} inputMode="numeric" error={error('loudest_voices')} onInput={(v) => section.change({ loudest_voices: numberOf(v) })} />
                </div>
                <ListField label={t('rooms.codecs')} hint={t('rooms.codecs-hint')} value={draft.media?.codecs} field="media.codecs" errors={section.fields.value} each={codecOf} onChange={(codecs) => section.change({ media: { ...draft.media, codecs } })} />
                <SwitchField label={t('rooms.archive')} on={draft.archive === true} onChange={(archive) => section.change({ archive })} />
                <SwitchField label={t('rooms.persistent')} on={draft.persistent === true} onChange={(persistent) => section.change({ persistent })} />
                <SwitchField label={t('rooms.lobby')} hint={t('schedule.lobby-hint')} on={draft.lobby === true} onChange={(lobby) => section.change({ lobby })} />
                <ListField label={t('rooms.frames')} hint={t('rooms.frames-hint')} value={draft.frames} field="frames" errors={section.fields.value} onChange={(frames) => section.change({ frames })} />
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
