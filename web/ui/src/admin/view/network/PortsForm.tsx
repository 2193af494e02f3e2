import { Button } from '../../../kit/Button.tsx';
import { SelectField, TextField } from '../../../kit/Field.tsx';
import type { AddressMode, Network, Port, PortRole, PortStatus } from '../../api.ts';
import type { Editor } from '../../model/editor.ts';
import { addPort, freeCards, withoutPort, withPort } from '../../model/network.ts';
import { t } from '../../words.ts';
import { ListField } from '../ListField.tsx';
import { PeopleNow } from '../PeopleNow.tsx';
import { SectionForm } from '../Section.tsx';

interface PortsFormProps {
  readonly section: Editor<Network>;
  readonly seen: readonly PortStatus[];
  readonly busy: boolean;
  readonly proposed: () => void;
}

/** The wanted state of the network cards. */
export function PortsForm({ section, seen, busy, proposed }: PortsFormProps) {
  const put = (network: Network) => section.change(network);
  return (
    <SectionForm of={section} save={t('network.try')} disabled={busy} saved={proposed}>
      {(draft) => (
        <>
          {(draft.ports ?? []).map((port, i) => (
            // oxlint-disable-next-line react/no-array-index-key -- a port's place is its name in the settings
            <PortFields key={i} index={i} port={port} seen={seen} section={section} put={(change) => put(withPort(draft, i, change))} remove={() => put(withoutPort(draft, i))} />
          ))}
          {freeCards(draft, seen).map((s) => (
            <div key={s.name} class="buttons">
              <Button onClick={() => put(addPort(draft, s.card))}>{t('network.set-up', { name: s.name })}</Button>
            </div>
          ))}
          {seen[0] ? (
            <div class="buttons">
              <Button onClick={() => put(addPort(draft, seen[0]?.card ?? '', 1))}>{t('network.add-vlan')}</Button>
            </div>
          ) : null}
          <ListField label={t('network.dns')} value={draft.dns} hint={t('network.dns-hint')} field="dns" errors={section.fields.value} onChange={(dns) => put({ ...draft, dns })} />
          {section.dirty.value ? <PeopleNow /> : null}
        </>
      )}
    </SectionForm>
  );
}

interface PortFieldsProps {
  readonly index: number;
  readonly port: Port;
  readonly seen: readonly PortStatus[];
  readonly section: Editor<Network>;
  readonly put: (change: Partial<Port>) => void;
  readonly remove: () => void;
}

const roles: readonly PortRole[] = ['uplink', 'island', 'off'];

function PortFields({ index, port, seen, section, put, remove }: PortFieldsProps) {
  const errors = section.fields.value;
  const error = (field: string) => errors[`ports.${index}.${field}`];
  const role = port.role ?? 'uplink';
  const card = seen.find((s) => s.card.toLowerCase() === port.card.toLowerCase() && !s.vlan);
  const mode4 = port.ipv4?.mode ?? (role === 'island' ? 'static' : 'dhcp');
  const mode6 = port.ipv6?.mode ?? (role === 'island' ? 'off' : 'slaac');
  const modes = (list: readonly AddressMode[]) => list.map((m) => ({ value: m, label: t(`mode.${m}`) }));
  return (
    <fieldset class="port">
      <legend>{`${card?.name ?? port.card}${port.vlan ? ` · VLAN ${port.vlan}` : ''}`}</legend>
      <div class="form-row">
        <TextField label={t('network.card')} value={port.card} mono error={error('card')} onInput={(v) => put({ card: v.trim() })} />
        <SelectField label={t('network.role')} value={role} options={roles.map((r) => ({ value: r, label: t(`port.${r}`) }))} onChange={(r) => put({ role: r as PortRole })} />
      </div>
      {role === 'off' ? null : (
        <>
          <div class="form-row">
            <SelectField label="IPv4" value={mode4} options={modes(['dhcp', 'static', 'off'])} onChange={(m) => put({ ipv4: { ...port.ipv4, mode: m as AddressMode } })} />
            <SelectField label="IPv6" value={mode6} options={modes(['slaac', 'static', 'off'])} onChange={(m) => put({ ipv6: { ...port.ipv6, mode: m as AddressMode } })} />
          </div>
          {error('ipv4.mode') ? <p class="field-error">{error('ipv4.mode')}</p> : null}
          {mode4 === 'static' ? (
            <div class="form-row">
              <TextField label={t('network.address4')} value={port.ipv4?.address ?? ''} placeholder="192.168.1.23/24" mono error={error('ipv4.address')} onInput={(v) => put({ ipv4: { ...port.ipv4, mode: 'static', address: v.trim() } })} />
              <TextField label={t('network.gateway')} value={port.ipv4?.gateway ?? ''} placeholder="192.168.1.1" mono error={error('ipv4.gateway')} onInput={(v) => put({ ipv4: { ...port.ipv4, mode: 'static', gateway: v.trim() } })} />
            </div>
          ) : null}
          {error('ipv6.mode') ? <p class="field-error">{error('ipv6.mode')}</p> : null}
          {mode6 === 'static' ? (
            <div class="form-row">
              <ListField label={t('network.address6')} value={port.ipv6?.addresses} field={`ports.${index}.ipv6.addresses`} errors={errors} onChange={(addresses) => put({ ipv6: { ...port.ipv6, mode: 'static', addresses } })} />
              <TextField label={t('network.gateway')} value={port.ipv6?.gateway ?? ''} mono error={error('ipv6.gateway')} onInput={(v) => put({ ipv6: { ...port.ipv6, mode: 'static', gateway: v.trim() } })} />
            </div>
          ) : null}
          <div class="form-row">
            <TextField label="VLAN" value={port.vlan ? String(port.vlan) : ''} inputMode="numeric" placeholder={t('network.no-vlan')} error={error('vlan')} onInput={(v) => put({ vlan: Number(v.replaceAll(/\D/g, '')) })} />
            <TextField label="MTU" value={port.mtu ? String(port.mtu) : ''} inputMode="numeric" placeholder={t('network.own-mtu')} error={error('mtu')} onInput={(v) => put({ mtu: Number(v.replaceAll(/\D/g, '')) })} />
          </div>
        </>
      )}
      <div class="buttons">
        <Button onClick={remove}>{t('network.automatic')}</Button>
      </div>
    </fieldset>
  );
}
