// The form of the network cards: what a card without a port in the settings does is filled in, and what is
// the same as that is left out again.

import type { Network, Port, PortStatus } from '../api.ts';

/** The draft with a port's change; the port is added where it was not there. */
export function withPort(network: Network, index: number, change: Partial<Port>): Network {
  const ports = [...(network.ports ?? [])];
  const before = ports[index];
  if (!before) return network;
  ports[index] = clean({ ...before, ...change });
  return { ...network, ports };
}

/** The draft without that port: its card is on its own again. */
export function withoutPort(network: Network, index: number): Network {
  return { ...network, ports: (network.ports ?? []).filter((_, i) => i !== index) };
}

export function addPort(network: Network, card: string, vlan = 0): Network {
  return { ...network, ports: [...(network.ports ?? []), vlan > 0 ? { card, vlan } : { card }] };
}

/** The cards that have no port yet, as the box sees them. */
export function freeCards(network: Network, seen: readonly PortStatus[]): readonly PortStatus[] {
  const taken = new Set((network.ports ?? []).filter((p) => !p.vlan).map((p) => p.card.toLowerCase()));
  return seen.filter((s) => !s.vlan && s.card !== '' && !taken.has(s.card.toLowerCase()) && !taken.has(s.name.toLowerCase()));
}

/** Addresses go with "static" only; empty fields are none. */
function clean(port: Port): Port {
  const out: Port = { ...port };
  for (const family of ['ipv4', 'ipv6'] as const) {
    const part = out[family];
    if (!part) continue;
    const kept = Object.fromEntries(Object.entries(part).filter(([name, v]) => v !== '' && !(Array.isArray(v) && v.length === 0) && (name === 'mode' || part.mode === 'static')));
    if (Object.keys(kept).length > 0) out[family] = kept;
    else delete out[family];
  }
  if (!out.vlan) delete out.vlan;
  if (!out.mtu) delete out.mtu;
  return out;
}

/** Seconds until a change that nobody confirms is taken back. */
export function secondsLeft(until: string, boxNow: number): number {
  return Math.max(0, Math.ceil((Date.parse(until) - boxNow) / 1000));
}

/** Where the console may be after the change: its own port at each fixed address. */
export function consolesAt(network: Network, port: string): readonly string[] {
  const addresses = (network.ports ?? []).flatMap((p) => [p.ipv4?.address, ...(p.ipv6?.addresses ?? [])]).filter((a) => a !== undefined && a !== '');
  return addresses.map((a) => {
    const host = (a ?? '').replace(/\/\d+$/, '');
    return `https://${host.includes(':') ? `[${host}]` : host}${port === '' ? '' : `:${port}`}/#/network`;
  });
}
