// The conference request: asks the focus to be in a room before we enter it. By IQ or by HTTP.

import { ns } from './ns.ts';
import { child, childrenOf, el, type Xml } from './xml.ts';

export interface ConferenceRequest {
  readonly room: string;
  readonly machineUid: string;
  /** From the answer to somebody who has logged in; missing for others. */
  readonly sessionId?: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface ConferenceAnswer {
  readonly ready: boolean;
  /** Bare JID of the focus' account. */
  readonly focus: string;
  /** '' for who has not logged in. */
  readonly sessionId: string;
  readonly properties: Readonly<Record<string, string>>;
}

export function printRequest(request: ConferenceRequest): Xml {
  return el(
    'conference',
    ns.focus,
    { room: request.room, 'machine-uid': request.machineUid, 'session-id': request.sessionId },
    ...Object.entries(request.properties).map(([name, value]) => el('property', ns.focus, { name, value })),
  );
}

export function parseAnswer(iq: Xml): ConferenceAnswer | undefined {
  const x = child(iq, 'conference', ns.focus);
  if (!x) return undefined;
  const properties: Record<string, string> = {};
  for (const p of childrenOf(x, 'property')) {
    if (p.attrs['name'] !== undefined) properties[p.attrs['name']] = p.attrs['value'] ?? '';
  }
  return { ready: x.attrs['ready'] === 'true', focus: x.attrs['focusjid'] ?? '', sessionId: x.attrs['session-id'] ?? '', properties };
}

export function printHttpRequest(request: ConferenceRequest): string {
  return JSON.stringify(request);
}

export function parseHttpAnswer(json: unknown): ConferenceAnswer | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const answer = json as Record<string, unknown>;
  const properties: Record<string, string> = {};
  if (typeof answer['properties'] === 'object' && answer['properties'] !== null) {
    for (const [key, value] of Object.entries(answer['properties'])) properties[key] = String(value);
  }
  return {
    ready: answer['ready'] === true || answer['ready'] === 'true',
    focus: typeof answer['focusJid'] === 'string' ? answer['focusJid'] : '',
    sessionId: typeof answer['sessionId'] === 'string' ? answer['sessionId'] : '',
    properties,
  };
}
