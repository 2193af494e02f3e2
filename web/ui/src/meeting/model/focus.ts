// Asking the focus for the conference, until it is there.

import type { Config } from '../../config/config.ts';
import { Disconnected, IqTimeout, type Connection } from '../../xmpp/connection.ts';
import {
  parseAnswer,
  parseHttpAnswer,
  printHttpRequest,
  printRequest,
  type ConferenceAnswer,
  type ConferenceRequest,
} from '../../xmpp/conference.ts';
import { StanzaError } from '../../xmpp/stanza.ts';
import { el } from '../../xmpp/xml.ts';

export interface FocusOptions {
  readonly config: Config;
  readonly connection: Connection;
  readonly request: ConferenceRequest;
  readonly fetch: typeof fetch;
  /** Give up when nobody answered for so long; Infinity for never. */
  readonly patience: number;
  readonly aborted: AbortSignal;
  /** The meeting has to be opened by somebody else first. */
  onWaiting(): void;
}

/** The focus refused, in a way that asking again will not change. */
export class FocusRefused extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'FocusRefused';
  }
}

/** Nobody answers for the focus. */
export class NoFocus extends Error {
  constructor() {
    super('the conference service does not answer');
    this.name = 'NoFocus';
  }
}

type Outcome =
  | { readonly kind: 'answer'; readonly answer: ConferenceAnswer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'host' }
  | { readonly kind: 'refused'; readonly text: string };

async function byIq(o: FocusOptions): Promise<Outcome> {
  try {
    const iq = await o.connection.iq(el('iq', '', { type: 'set', to: o.config.focus }, printRequest(o.request)));
    const answer = parseAnswer(iq);
    return answer ? { kind: 'answer', answer } : { kind: 'refused', text: 'malformed answer' };
  } catch (err) {
    if (err instanceof IqTimeout) return { kind: 'absent' };
    if (!(err instanceof StanzaError)) throw err;
    switch (err.condition) {
      case 'not-authorized':
        return { kind: 'host' };
      case 'not-acceptable':
        // Who has logged in has to do so again.
        if (err.has('session-invalid')) return { kind: 'host' };
        break;
      // What a server says when the focus' account is not there.
      case 'service-unavailable':
        if (err.extra.length === 0) return { kind: 'absent' };
        break;
      case 'remote-server-not-found':
      case 'recipient-unavailable':
      case 'internal-server-error':
        return { kind: 'absent' };
    }
    return { kind: 'refused', text: err.message };
  }
}

/** COMPAT(safari before 17.4): has no AbortSignal.any. */
function either(...signals: readonly AbortSignal[]): AbortSignal {
  const both = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) both.abort(signal.reason);
    else signal.addEventListener('abort', () => both.abort(signal.reason), { signal: both.signal });
  }
  return both.signal;
}

async function byHttp(o: FocusOptions): Promise<Outcome> {
  const url = new URL(o.config.conferenceRequestUrl);
  url.searchParams.set('room', o.request.room.split('@')[0] ?? '');
  try {
    const response = await o.fetch(url.href, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: printHttpRequest(o.request),
      signal: either(o.aborted, AbortSignal.timeout(10_000)),
    });
    if (response.status === 403) return { kind: 'host' };
    if (response.status >= 500) return { kind: 'absent' };
    if (!response.ok) return { kind: 'refused', text: `status ${response.status}` };
    const answer = parseHttpAnswer(await response.json());
    return answer ? { kind: 'answer', answer } : { kind: 'refused', text: 'malformed answer' };
  } catch {
    // Not reachable, not in time, or not JSON: a proxy without its backend.
    return { kind: 'absent' };
  }
}

function sleep(ms: number, aborted: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    aborted.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Disconnected());
    });
  });
}

/** Resolves when the focus is in the room. Rejects with FocusRefused, NoFocus, or when aborted. */
export async function askFocus(o: FocusOptions): Promise<ConferenceAnswer> {
  const begun = Date.now();
  for (let attempt = 0; ; attempt++) {
    const outcome = await (o.config.conferenceRequestUrl === '' ? byIq(o) : byHttp(o));
    if (o.aborted.aborted) throw new Disconnected();
    switch (outcome.kind) {
      case 'answer':
        if (outcome.answer.ready) return outcome.answer;
        break;
      case 'refused':
        throw new FocusRefused(outcome.text);
      case 'host':
        o.onWaiting();
        await sleep(5_000, o.aborted);
        continue;
      case 'absent':
        if (Date.now() - begun > o.patience) throw new NoFocus();
    }
    // A restarted focus is back within a second.
    await sleep(Math.min(400 * 1.5 ** attempt, 5_000), o.aborted);
  }
}
