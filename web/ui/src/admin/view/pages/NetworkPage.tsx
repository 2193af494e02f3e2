import { bytes } from '../../../i18n/format.ts';
import { Card, Notice, Tag } from '../../../kit/Card.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Network, NetworkStatus, PortStatus } from '../../api.ts';
import { t } from '../../words.ts';
import { EgressCard } from '../network/EgressCard.tsx';
import { IslandCard } from '../network/IslandCard.tsx';
import { NamesCard } from '../network/NamesCard.tsx';
import { PendingCard } from '../network/PendingCard.tsx';
import { PortsForm } from '../network/PortsForm.tsx';
import { Loaded, Page, useEditor, useResource } from '../use.tsx';

export function NetworkPage() {
  const status = useResource<NetworkStatus>('/api/v1/network', 3000);
  const section = useEditor<Network>('/api/v1/settings/network', '/api/v1/network/propose');
  const s = status.data.value;
  const elsewhere = status.code.value === 'only-on-the-box';
  return (
    <Page title={t('nav.page.network')} lead={t('network.lead')}>
      {s?.pending ? (
        <PendingCard
          pending={s.pending}
          changed={() => {
            void status.reload();
            void section.load();
          }}
        />
      ) : null}
      <Card title={t('network.now')}>
        <Loaded of={status}>
          {(n) => (
            <>
              {(n.problems ?? []).map((p) => (
                <Notice key={p} mood="warn">
                  <p>{p}</p>
                </Notice>
              ))}
              <Ports ports={n.ports} />
              {n.dns.length > 0 ? (
                <p class="soft">
                  {t('network.dns')}: <span class="mono">{n.dns.join(', ')}</span>
                </p>
              ) : null}
            </>
          )}
        </Loaded>
      </Card>
      {elsewhere ? null : (
        <Card title={t('network.change')} text={t('network.change-text')}>
          <PortsForm section={section} seen={s?.ports ?? []} busy={s?.pending !== undefined} proposed={() => void status.reload()} />
        </Card>
      )}
      <NamesCard />
      {elsewhere ? null : <IslandCard />}
      <EgressCard />
    </Page>
  );
}

function Ports({ ports }: { readonly ports: readonly PortStatus[] }) {
  return (
    <Table
      label={t('network.now')}
      rows={ports}
      rowKey={(p) => p.name}
      empty={t('network.none')}
      columns={[
        { key: 'name', title: t('network.card'), head: true, cell: (p) => p.name },
        { key: 'cable', title: t('network.cable'), cell: (p) => <Tag mood={p.cable ? 'good' : 'bad'}>{p.cable ? (p.mbits ? `${p.mbits} Mbit/s` : t('yes')) : t('no')}</Tag> },
        {
          key: 'addresses',
          title: t('network.addresses'),
          cell: (p) => (
            <span class="mono">
              {p.addresses.join(', ') || '–'}
              {p.lease ? ` (DHCP ${p.lease.server})` : ''}
            </span>
          ),
        },
        { key: 'gateway', title: t('network.gateway'), cell: (p) => <span class="mono">{p.gateways.join(', ')}</span> },
        { key: 'traffic', title: t('network.traffic'), cell: (p) => `↓ ${bytes(p.received)} ↑ ${bytes(p.sent)}` },
        { key: 'problems', title: t('detail'), cell: (p) => [...(p.problems ?? []), ...(p.errors > 0 ? [t('network.errors', { n: p.errors })] : [])].join(' ') },
      ]}
    />
  );
}
