import { signal } from '@preact/signals-core';
import { expect, test } from 'vitest';
import { config } from '../../../test/meeting.ts';
import type { Connection, Options } from '../../xmpp/connection.ts';
import { logIn, type LogInResult } from './host.ts';

const hostUrl = 'https://box.example/host.json';

/** A box that has no account of that name, and what its directory answers. */
async function ask(answer: () => Response, url = hostUrl, refusal: readonly [string, string] = ['not-authorized', '']): Promise<{ found: LogInResult; asked: unknown[] }> {
  const asked: unknown[] = [];
  const connect = ({ handlers }: Options): Connection => ({
    link: signal('idle'),
    jid: '',
    connect: () => queueMicrotask(() => handlers.refused(...refusal)),
    retryNow: () => undefined,
    send: () => undefined,
    iq: () => Promise.reject(new Error('not logged in')),
    close: () => undefined,
  });
  const found = await logIn(
    {
      config: { ...config, hostUrl: url },
      room: 'board@muc.meet.example',
      machineUid: 'm',
      connect,
      fetch: (_input, init) => {
        asked.push(JSON.parse(String(init?.body)));
        return Promise.resolve().then(answer);
      },
    },
    'ada',
    'secret',
  );
  return { found, asked };
}

const problem = (status: number, code: string, headers: Record<string, string> = {}) => () => Response.json({ status, code, detail: '' }, { status, headers });

test('the directory is asked for this room, after the accounts of the box', async () => {
  const { found, asked } = await ask(() => Response.json({ token: 'a.b.c', name: 'Ada' }));
  expect(found).toEqual({ is: 'person', token: 'a.b.c', name: 'Ada' });
  expect(asked).toEqual([{ room: 'board', name: 'ada', password: 'secret' }]);
});

test('after too many wrong ones the accounts say when to go on; whom the directory knows need not wait', async () => {
  const slow = ['temporary-auth-failure', 'There were too many wrong passwords from your address. Try again in 16 s.'] as const;
  expect((await ask(problem(401, 'wrong'), '', slow)).found).toEqual({ is: 'slow', seconds: 16 });
  expect((await ask(problem(401, 'wrong'), hostUrl, slow)).found).toEqual({ is: 'slow', seconds: 16 });
  expect((await ask(() => Response.json({ token: 'a.b.c', name: 'Ada' }), hostUrl, slow)).found).toMatchObject({ is: 'person' });
});

test('without a directory nobody is asked', async () => {
  expect(await ask(() => Response.json({ token: 'a.b.c' }), '')).toEqual({ found: { is: 'wrong' }, asked: [] });
});

test.each<[string, () => Response, LogInResult]>([
  ['another password', problem(401, 'wrong'), { is: 'wrong' }],
  ['a name that is none', problem(422, 'invalid'), { is: 'wrong' }],
  ['switched off meanwhile', problem(404, 'off'), { is: 'wrong' }],
  ['in no group that may', problem(403, 'not-host'), { is: 'outside' }],
  ['too often', problem(429, 'slow-down', { 'Retry-After': '8' }), { is: 'slow', seconds: 8 }],
  ['the directory is away', problem(503, 'directory'), { is: 'away' }],
  ['the box restarts', problem(503, 'restarting'), { is: 'unreachable' }],
  ['a fault of the box', problem(500, 'internal'), { is: 'unreachable' }],
  ['no token', () => Response.json({}), { is: 'unreachable' }],
  ['no JSON', () => new Response('<html>'), { is: 'unreachable' }],
  ['no answer', () => { throw new TypeError('failed to fetch'); }, { is: 'unreachable' }], // prettier-ignore
])('%s', async (_what, answer, want) => {
  expect((await ask(answer)).found).toEqual(want);
});
