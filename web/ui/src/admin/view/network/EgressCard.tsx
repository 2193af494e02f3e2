import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import { SelectField, TextField } from '../../../kit/Field.tsx';
import type { Egress, EgressHost, EgressUse } from '../../api.ts';
import { t } from '../../words.ts';
import { SectionForm } from '../Section.tsx';
import { useEditor } from '../use.tsx';

const uses: readonly EgressUse[] = ['ntp', 'acme', 'ldap', 'oidc', 'syslog', 'smtp'];

/** The hosts that the box may speak to of its own accord; none unless somebody names them. */
export function EgressCard() {
  const section = useEditor<Egress>('/api/v1/settings/egress');
  return (
    <Card title={t('section.egress')} text={t('egress.text')}>
      <SectionForm of={section}>
        {(draft, error) => {
          const hosts = draft.hosts ?? [];
          const put = (i: number, change: Partial<EgressHost>) => section.change({ hosts: hosts.map((h, j) => (i === j ? { ...h, ...change } : h)) });
          return (
            <>
              {hosts.map((h, i) => (
                // oxlint-disable-next-line react/no-array-index-key -- a host's place is its name in the settings
                <fieldset key={i} class="port">
                  <legend>{h.host || t('egress.host')}</legend>
                  <div class="form-row">
                    <SelectField label={t('egress.use')} value={h.use} options={uses.map((u) => ({ value: u, label: u.toUpperCase() }))} onChange={(use) => put(i, { use: use as EgressUse })} />
                    <TextField label={t('egress.host')} value={h.host} mono error={error(`hosts.${i}.host`)} onInput={(host) => put(i, { host: host.trim() })} />
                    <TextField label={t('egress.port')} value={h.port ? String(h.port) : ''} inputMode="numeric" error={error(`hosts.${i}.port`)} onInput={(v) => put(i, { port: Number(v.replaceAll(/\D/g, '')) })} />
                  </div>
                  <div class="buttons">
                    <Button onClick={() => section.change({ hosts: hosts.filter((_, j) => j !== i) })}>{t('remove')}</Button>
                  </div>
                </fieldset>
              ))}
              <div class="buttons">
                <Button onClick={() => section.change({ hosts: [...hosts, { use: 'syslog', host: '' }] })}>{t('egress.add')}</Button>
              </div>
            </>
          );
        }}
      </SectionForm>
    </Card>
  );
}
