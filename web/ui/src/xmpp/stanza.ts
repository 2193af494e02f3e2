// Stanza errors, and the IQ answers everybody needs.

import { ns } from './ns.ts';
import { child, childrenOf, el, elements, textOf, type Xml } from './xml.ts';

/** An error stanza as an exception. `extra` holds the application's own elements inside <error>. */
export class StanzaError extends Error {
  readonly type: string;
  readonly condition: string;
  readonly extra: readonly Xml[];

  constructor(type: string, condition: string, text = '', extra: readonly Xml[] = []) {
    super(text === '' ? condition : text);
    this.name = 'StanzaError';
    this.type = type;
    this.condition = condition;
    this.extra = extra;
  }

  has(name: string): boolean {
    return this.condition === name || this.extra.some((x) => x.name === name);
  }
}

export function parseError(stanza: Xml): StanzaError {
  const error = child(stanza, 'error');
  const parts = error ? elements(error) : [];
  const standard = parts.filter((p) => p.ns === ns.stanzas);
  // Some servers' application errors come without the standard namespace on the condition.
  const condition = standard.find((p) => p.name !== 'text') ?? parts.find((p) => p.name !== 'text');
  const text = textOf(childrenOf(error, 'text')[0]);
  const extra = parts.filter((p) => p !== condition && p.name !== 'text');
  return new StanzaError(error?.attrs['type'] ?? 'cancel', condition?.name ?? 'undefined-condition', text, extra);
}

export function iqResult(request: Xml, ...payload: readonly Xml[]): Xml {
  return el('iq', '', { type: 'result', id: request.attrs['id'], to: request.attrs['from'] }, ...payload);
}

export function iqError(request: Xml, type: string, condition: string, extra: Xml | null = null): Xml {
  return el(
    'iq',
    '',
    { type: 'error', id: request.attrs['id'], to: request.attrs['from'] },
    el('error', '', { type }, el(condition, ns.stanzas), extra),
  );
}
