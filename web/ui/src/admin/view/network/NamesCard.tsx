import { Card, Facts, Notice } from '../../../kit/Card.tsx';
import { SwitchField, TextField } from '../../../kit/Field.tsx';
import { TextArea } from '../../../kit/Fields.tsx';
import type { Names, NamesStatus } from '../../api.ts';
import { t } from '../../words.ts';
import { ListField } from '../ListField.tsx';
import { SectionForm } from '../Section.tsx';
import { useEditor, useResource } from '../use.tsx';

export function NamesCard() {
  const section = useEditor<Names>('/api/v1/settings/names');
  const status = useResource<NamesStatus>('/api/v1/names', 10_000).data.value;
  return (
    <Card title={t('names.title')} text={t('names.text')}>
      {status ? (
        <>
          {(status.problems ?? []).map((p) => (
            <Notice key={p} mood="warn">
              <p>{p}</p>
            </Notice>
          ))}
          <Facts facts={[[t('names.now'), <span class="mono">{status.name}</span>]]} />
        </>
      ) : null}
      <SectionForm of={section}>
        {(draft, error) => (
          <>
            <TextField label={t('names.host')} value={draft.host ?? ''} placeholder="meetbox" mono error={error('host')} hint={t('names.host-hint')} onInput={(host) => section.change({ host: host.trim() })} />
            <ListField label={t('names.extra')} value={draft.extra} hint={t('names.extra-hint')} field="extra" errors={section.fields.value} onChange={(extra) => section.change({ extra })} />
            <SwitchField label={t('names.announce')} on={draft.quiet !== true} onChange={(on) => section.change({ quiet: !on })} />
          </>
        )}
      </SectionForm>
      {status?.records ? <TextArea label={t('names.records')} value={status.records} rows={5} readOnly /> : null}
    </Card>
  );
}
