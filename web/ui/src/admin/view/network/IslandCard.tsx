import { date } from '../../../i18n/format.ts';
import { Card, Notice } from '../../../kit/Card.tsx';
import { SwitchField, TextField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Island, IslandStatus } from '../../api.ts';
import { t } from '../../words.ts';
import { SectionForm } from '../Section.tsx';
import { useEditor, useResource } from '../use.tsx';

export function IslandCard() {
  const section = useEditor<Island>('/api/v1/settings/island');
  const status = useResource<IslandStatus>('/api/v1/island', 10_000).data.value;
  return (
    <Card title={t('island.title')} text={t('island.text')}>
      {(status?.ports ?? []).map((p) => (
        <div key={p.name} class="stack">
          {(p.problems ?? []).map((problem) => (
            <Notice key={problem} mood="warn">
              <p>{problem}</p>
            </Notice>
          ))}
          <Table
            label={t('island.leases', { name: p.name })}
            rows={p.leases}
            rowKey={(l) => l.address}
            empty={t('island.no-leases', { name: p.name })}
            columns={[
              { key: 'name', title: t('island.device'), head: true, cell: (l) => l.name || l.mac },
              { key: 'address', title: t('network.addresses'), cell: (l) => <span class="mono">{l.address}</span> },
              { key: 'until', title: t('expires'), cell: (l) => date(l.until) },
            ]}
          />
        </div>
      ))}
      <SectionForm of={section}>
        {(draft, error) => (
          <>
            <SwitchField label={t('island.dhcp')} on={draft.no_dhcp !== true} onChange={(on) => section.change({ no_dhcp: !on })} />
            <SwitchField label={t('island.captive')} hint={t('island.captive-hint')} on={draft.no_captive !== true} onChange={(on) => section.change({ no_captive: !on })} />
            <div class="form-row">
              <TextField label={t('island.first')} value={draft.first ?? ''} placeholder="10.77.0.128" mono error={error('first')} onInput={(first) => section.change({ first: first.trim() })} />
              <TextField label={t('island.last')} value={draft.last ?? ''} placeholder="10.77.0.254" mono error={error('last')} onInput={(last) => section.change({ last: last.trim() })} />
              <TextField
                label={t('island.lease')}
                value={draft.lease_minutes ? String(draft.lease_minutes) : ''}
                placeholder="720"
                inputMode="numeric"
                error={error('lease_minutes')}
                onInput={(v) => section.change({ lease_minutes: Number(v.replaceAll(/\D/g, '')) })}
              />
            </div>
          </>
        )}
      </SectionForm>
    </Card>
  );
}
