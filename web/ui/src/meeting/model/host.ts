// Logging in as the host of a meeting: with an account of the box, or with what a person has in the
// directory that the box asks.
//
// With an account a second connection does it, as in Jitsi's clients: it asks for the conference, gets
// a session id for this machine, and ends; the guest's own connection then asks again with that id
// (signaling contract 3.3). For a person of the directory the box signs a token, with which one logs
// in anew. The account goes first: of its password only a proof is sent, and the directory never
// hears of it.

import type { Config } from '../../config/config.ts';
import { parseAnswer, printRequest } from '../../xmpp/conference.ts';
import type { Connection, Options as ConnectionOptions } from '../../xmpp/connection.ts';
import { node } from '../../xmpp/jid.ts';
import { el } from '../../xmpp/xml.ts';
import type { Known } from './directory.ts';

/** With an account of the box, or as a directory's person. `wrong`: nobody of that name, or another password. */
export type LogInResult = { readonly is: 'account'; readonly sessionId: string } | { readonly is: 'wrong' | 'unreachable' } | Known;

export interface HostOptions {
  readonly config: Config;
  /** Bare JID. */
  readonly room: string;
  readonly machineUid: string;
  readonly connect: (options: ConnectionOptions) => Connection;
  readonly fetch: typeof fetch;
}

const timeout = 15_000;

export async function logIn(o: HostOptions, name: string, password: string): Promise<LogInResult> {
  const found = await byAccount(o, name, password);
  if ((found.is !== 'wrong' && found.is !== 'slow') || o.config.hostUrl === '') return found;
  const { askDirectory } = await import('./directory.ts');
  const known = await askDirectory(o.fetch, o.config.hostUrl, { room: node(o.room), name, password });
  // Whom the directory knows was a wrong guess among the box's own accounts; only others wait for that.
  return known.is === 'wrong' ? found : known;
}

function byAccount(o: HostOptions, name: string, password: string): Promise<LogInResult> {
  const url = new URL(o.config.websocket);
  url.searchParams.set('room', node(o.room));
  return new Promise((resolve) => {
    const done = (result: LogInResult) => {
      clearTimeout(timer);
      connection.close();
      resolve(result);
    };
    const timer = setTimeout(() => done({ is: 'unreachable' }), timeout);
    const connection: Connection = o.connect({
      url: url.href,
      domain: o.config.domain,
      account: { name, password },
      handlers: {
        online() {
          const request = printRequest({ room: o.room, machineUid: o.machineUid, properties: {} });
          connection
            .iq(el('iq', '', { type: 'set', to: o.config.focus }, request))
            .then((iq) => parseAnswer(iq)?.sessionId ?? '')
            .catch(() => '')
            // oxlint-disable-next-line promise/no-callback-in-promise -- it is what resolves the other promise
            .then((sessionId) => done(sessionId === '' ? { is: 'wrong' } : { is: 'account', sessionId }));
        },
        refused: (condition, text) => done(condition === 'temporary-auth-failure' ? { is: 'slow', seconds: Number(/\d+/.exec(text)?.[0] ?? 1) } : { is: 'wrong' }),
        presence: () => undefined,
        message: () => undefined,
        request: () => undefined,
      },
    });
    connection.connect();
  });
}
