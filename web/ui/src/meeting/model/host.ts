// Logging in as the host of a meeting. As in Jitsi's clients a second connection does it: with the account
// it asks for the conference, gets a session id for this machine, and ends; the guest's own connection
// then asks again with that id (signaling contract 3.3).

import type { Config } from '../../config/config.ts';
import { parseAnswer, printRequest } from '../../xmpp/conference.ts';
import type { Connection, Options as ConnectionOptions } from '../../xmpp/connection.ts';
import { el } from '../../xmpp/xml.ts';

/** `wrong`: no such account, or another password. */
export type LogInResult = 'ok' | 'wrong' | 'unreachable';

export interface HostOptions {
  readonly config: Config;
  /** Bare JID. */
  readonly room: string;
  readonly machineUid: string;
  readonly connect: (options: ConnectionOptions) => Connection;
}

const timeout = 15_000;

/** The session id of a user; '' with the reason when there is none. */
export function logIn(o: HostOptions, name: string, password: string): Promise<{ readonly result: LogInResult; readonly sessionId: string }> {
  const url = new URL(o.config.websocket);
  url.searchParams.set('room', o.room.split('@')[0] ?? '');
  return new Promise((resolve) => {
    const done = (result: LogInResult, sessionId = '') => {
      clearTimeout(timer);
      connection.close();
      resolve({ result, sessionId });
    };
    const timer = setTimeout(() => done('unreachable'), timeout);
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
            .then((sessionId) => done(sessionId === '' ? 'wrong' : 'ok', sessionId));
        },
        refused: () => done('wrong'),
        presence: () => undefined,
        message: () => undefined,
        request: () => undefined,
      },
    });
    connection.connect();
  });
}
