// How the lines of people in a meeting are called and judged.

import { locale } from '../../i18n/words.ts';
import type { MeetingSeat, QualityPoint } from '../api.ts';

/** What people saw of somebody, or how the machines call it. */
export function nameOf(seat: Pick<MeetingSeat, 'name' | 'endpoint'>): string {
  return seat.name || seat.endpoint;
}

/**
 * A room's name as people see it in its address, TENANT/ROOM where it has a tenant. XMPP addresses have
 * it percent-encoded (see roomNode of the meeting page) behind the tenant in brackets.
 */
export function roomName(node: string): string {
  return node.replace(/^\[([^\]]+)\](?=.)/, '$1/').split('/').map(decoded).join('/');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Good, weak or bad, by what is lost and how long it takes. */
export function moodOf(now: Pick<QualityPoint, 'loss_in' | 'loss_out' | 'rtt'> | null): 'good' | 'warn' | 'bad' | 'calm' {
  if (!now) return 'calm';
  const loss = Math.max(now.loss_in, now.loss_out);
  if (loss > 0.1 || now.rtt > 800) return 'bad';
  return loss > 0.02 || now.rtt > 250 ? 'warn' : 'good';
}

export function percent(part: number): string {
  return new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(part);
}

export function mbits(bits: number): string {
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(bits / 1e6)} Mbit/s`;
}
