import { Card } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { ChoiceField, TextArea } from '../../../kit/Fields.tsx';
import type { ACME, CertificateSettings, CertificateSource } from '../../api.ts';
import { t } from '../../words.ts';
import { ListField } from '../ListField.tsx';
import { SectionForm } from '../Section.tsx';
import { useEditor } from '../use.tsx';

const empty: ACME = { directory: '', names: [] };

/** Where the certificate for the box's names comes from. */
export function AcmeCard({ done }: { readonly done: () => void }) {
  const section = useEditor<CertificateSettings>('/api/v1/settings/certificates');
  const sources: readonly CertificateSource[] = ['own', 'uploaded', 'acme'];
  return (
    <Card title={t('source.title')} text={t('source.text')}>
      <SectionForm of={section} saved={done}>
        {(draft, error) => {
          const acme = draft.acme ?? empty;
          const put = (change: Partial<ACME>) => section.change({ acme: { ...acme, ...change } });
          return (
            <>
              <ChoiceField
                label={t('source.from')}
                value={draft.source ?? 'own'}
                options={sources.map((s) => ({ value: s, label: t(`source.${s}`) }))}
                onChange={(source) => section.change({ source })}
              />
              {error('source') ? <p class="field-error">{error('source')}</p> : null}
              {draft.source === 'acme' ? (
                <>
                  <TextField label={t('acme.directory')} value={acme.directory} placeholder="https://ca.example.org/acme/acme/directory" mono error={error('acme.directory')} onInput={(v) => put({ directory: v.trim() })} />
                  <ListField label={t('acme.names')} value={acme.names} field="acme.names" errors={section.fields.value} onChange={(names) => put({ names })} />
                  <TextField label={t('acme.email')} value={acme.email ?? ''} error={error('acme.email')} onInput={(v) => put({ email: v.trim() })} />
                  <TextArea label={t('acme.root')} value={acme.root ?? ''} placeholder="-----BEGIN CERTIFICATE-----" error={error('acme.root')} onInput={(root) => put({ root })} />
                </>
              ) : null}
            </>
          );
        }}
      </SectionForm>
    </Card>
  );
}
