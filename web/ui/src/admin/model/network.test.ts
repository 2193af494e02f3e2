import { expect, test } from 'vitest';
import type { Network, PortStatus } from '../api.ts';
import { attention, rate } from './attention.ts';
import { browserOf } from './browser.ts';
import { suffices } from './console.ts';
import { addPort, consolesAt, freeCards, secondsLeft, withoutPort, withPort } from './network.ts';
import { nextStep, openStep } from './steps.ts';

const seen = (name: string, card: string, vlan?: number): PortStatus => ({
  name,
  card,
  ...(vlan === undefined ? {} : { vlan }),
  role: 'uplink',
  named: false,
  cable: true,
  mtu: 1500,
  addresses: [],
  gateways: [],
  received: 0,
  sent: 0,
  errors: 0,
});

test('a card is set up, changed and left to itself again', () => {
  let n: Network = addPort({}, '02:00:5e:10:00:01');
  n = withPort(n, 0, { ipv4: { mode: 'static', address: '192.168.1.23/24', gateway: '' } });
  expect(n.ports).toEqual([{ card: '02:00:5e:10:00:01', ipv4: { mode: 'static', address: '192.168.1.23/24' } }]);
  n = withPort(n, 0, { ipv4: { ...n.ports?.[0]?.ipv4, mode: 'dhcp' }, vlan: 0, mtu: 0 });
  expect(n.ports, 'an address goes with "static" only').toEqual([{ card: '02:00:5e:10:00:01', ipv4: { mode: 'dhcp' } }]);
  expect(withPort(n, 5, { mtu: 9000 })).toBe(n);
  expect(withoutPort(n, 0).ports).toEqual([]);
});

test('cards that have no port yet', () => {
  const cards = [seen('eth0', '02:00:5E:10:00:01'), seen('eth1', '02:00:5e:10:00:02'), seen('eth0.7', '02:00:5e:10:00:01', 7)];
  expect(freeCards({ ports: [{ card: '02:00:5e:10:00:01' }] }, cards).map((c) => c.name)).toEqual(['eth1']);
  expect(freeCards({ ports: [{ card: 'eth1' }, { card: 'eth0', vlan: 7 }] }, cards).map((c) => c.name)).toEqual(['eth0']);
});

test('where the console is after the change', () => {
  const n: Network = { ports: [{ card: 'eth0', ipv4: { mode: 'static', address: '192.168.1.23/24' }, ipv6: { mode: 'static', addresses: ['fd00:1::23/64'] } }, { card: 'eth1' }] };
  expect(consolesAt(n, '8443')).toEqual(['https://192.168.1.23:8443/#/network', 'https://[fd00:1::23]:8443/#/network']);
  expect(consolesAt(n, '')[0]).toBe('https://192.168.1.23/#/network');
});

test('the countdown goes by the box’s clock and ends at nought', () => {
  const until = '2030-01-01T00:01:30Z';
  expect(secondsLeft(until, Date.parse('2030-01-01T00:00:00Z'))).toBe(90);
  expect(secondsLeft(until, Date.parse('2030-01-01T00:01:29.200Z'))).toBe(1);
  expect(secondsLeft(until, Date.parse('2030-01-02T00:00:00Z'))).toBe(0);
});

test('the setup goes on where it was left, never before the claim or behind the codes', () => {
  expect(openStep('', false)).toBe('language');
  expect(openStep('owner', false)).toBe('owner');
  expect(openStep('trust', false)).toBe('language');
  expect(openStep('codes', true)).toBe('clock');
  expect(openStep('test', true)).toBe('test');
  expect(nextStep('done')).toBeNull();
});

test('roles as the box sees them', () => {
  expect(suffices('auditor', 'auditor')).toBe(true);
  expect(suffices('operator', 'auditor')).toBe(false);
  expect(suffices('admin', 'auditor')).toBe(true);
  expect(suffices('auditor', 'operator')).toBe(false);
  expect(suffices('owner', 'admin')).toBe(true);
});

test('what needs attention: the box’s words, and a clock that only a browser sees', () => {
  const nothing = { attention: [], cpu: 0, cores: 2, temperature: 0, loss: 0, known: true, memory: 0, meetings: { meetings: [], people: 0 }, services: [], traffic: { received_packets: 0, received_bytes: 0, sent_packets: 0, sent_bytes: 0, retransmitted: 0, rtt: 0 } };
  expect(attention(nothing, 1000)).toEqual([]);
  expect(attention(nothing, -86_400_000).map((a) => a.code)).toEqual(['skew']);
  const told = { ...nothing, attention: [{ code: 'clock', text: 'It is 1970.', page: 'clock' }] };
  expect(attention(told, 1e12)).toEqual(told.attention);
});

test('a rate takes two answers, and a box that began anew has none', () => {
  expect(rate(null, { at: 0, bytes: 5 })).toBeNull();
  expect(rate({ at: 0, bytes: 1000 }, { at: 2000, bytes: 5000 })).toBe(2000);
  expect(rate({ at: 0, bytes: 1000 }, { at: 2000, bytes: 5 })).toBeNull();
});

test('a browser in two words', () => {
  expect(browserOf('Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1')).toBe('Safari · iPhone');
  expect(browserOf('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0')).toBe('Edge · Windows');
  expect(browserOf('x'.repeat(90))).toHaveLength(40);
});
