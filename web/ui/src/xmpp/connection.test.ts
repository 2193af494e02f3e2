import { afterEach, expect, test } from 'vitest';

import { TestServer } from '../../test/xmpp-server.ts';
import { createConnection, Disconnected, IqTimeout, retryDelay, type Connection, type Handlers } from './connection.ts';
import { ns } from './ns.ts';
import { iqResult, StanzaError } from './stanza.ts';
import { el, textOf, type Xml } from './xml.ts';

interface Client {
  readonly connection: Connection;
  readonly online: boolean[];
  readonly messages: string[];
  /** Resolves at the nth time (from 1) the session is there. */
  onlineTimes(n: number): Promise<void>;
  messageTimes(n: number): Promise<void>;
}

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const o of open.splice(0)) await o.close();
});

async function serve(): Promise<TestServer> {
  const server = await TestServer.listen();
  open.unshift(server);
  return server;
}

function client(server: TestServer, more: Partial<Handlers> = {}): Client {
  const online: boolean[] = [];
  const messages: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => waiting.forEach((w) => w());
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const connection = createConnection({
    url: server.url,
    domain: 'meet.example',
    random: () => 0,
    handlers: {
      online: (fresh) => {
        online.push(fresh);
        wake();
      },
      refused: () => undefined,
      presence: () => undefined,
      message: (m) => {
        messages.push(textOf(m.children[0] as Xml));
        wake();
      },
      request: () => undefined,
      ...more,
    },
  });
  open.unshift(connection);
  return {
    connection,
    online,
    messages,
    onlineTimes: (n) => until(() => online.length >= n),
    messageTimes: (n) => until(() => messages.length >= n),
  };
}

const chat = (text: string) => el('message', '', { to: 'demo@muc.meet.example', type: 'groupchat' }, el('body', '', {}, text));
const ask = el('iq', '', { type: 'get', to: 'meet.example' }, el('query', ns.discoInfo));
const echo = (x: Xml, jid: string) => (x.name === 'iq' ? [iqResult({ ...x, attrs: { ...x.attrs, from: jid } })] : []);

test('logs in, asks, is answered', async () => {
  const server = await serve();
  server.answer = echo;
  const c = client(server);
  c.connection.connect();
  await c.onlineTimes(1);
  expect(c.online).toEqual([true]);
  expect(c.connection.jid).toContain('@meet.example/r');
  expect((await c.connection.iq(ask)).attrs['type']).toBe('result');
  expect(server.stanzas[0]?.ns).toBe('jabber:client');
});

test('an error answer rejects with its condition', async () => {
  const server = await serve();
  server.answer = (x) => [
    el('iq', '', { type: 'error', id: x.attrs['id'] }, el('error', '', { type: 'cancel' }, el('item-not-found', ns.stanzas))),
  ];
  const c = client(server);
  c.connection.connect();
  await c.onlineTimes(1);
  await expect(c.connection.iq(ask)).rejects.toMatchObject({ condition: 'item-not-found' } satisfies Partial<StanzaError>);
});

test('no answer in time is a timeout', async () => {
  const server = await serve();
  const c = client(server);
  c.connection.connect();
  await c.onlineTimes(1);
  await expect(c.connection.iq(ask, 20)).rejects.toBeInstanceOf(IqTimeout);
});

test('a cut socket is resumed: nothing is lost either way, a waiting request is answered', async () => {
  const server = await serve();
  const c = client(server);
  c.connection.connect();
  await c.onlineTimes(1);
  const { jid } = c.connection;
  c.connection.send(chat('one'));
  const answer = c.connection.iq(ask);
  await server.until(() => server.stanzas.length === 2);

  server.cut();
  server.push(el('message', '', { from: 'demo@muc.meet.example/b', type: 'groupchat' }, el('body', '', {}, 'missed')));
  server.push(el('iq', '', { type: 'result', id: server.stanzas[1]?.attrs['id'], from: 'meet.example' }));
  await expect.poll(() => c.connection.link.value).toBe('lost');
  c.connection.send(chat('two'));
  await c.onlineTimes(2);
  expect(c.online).toEqual([true, false]);
  expect(c.connection.jid).toBe(jid);
  await c.messageTimes(1);
  expect(c.messages).toEqual(['missed']);
  await answer;
  await server.until(() => server.stanzas.length === 3);
  expect(server.stanzas.map((s) => s.name)).toEqual(['message', 'iq', 'message']);
  expect(server.attempts[1]).toContain('room=demo&previd=stream1');

  // And once more: the counters are still right.
  server.cut();
  await c.onlineTimes(3);
  c.connection.send(chat('three'));
  await server.until(() => server.stanzas.length === 4);
  expect(c.messages).toEqual(['missed']);
});

// In less than a login may take.
test('a socket that is closed before the login is soon tried again', { timeout: 8000 }, async () => {
  const server = await serve();
  server.full = 2;
  const c = client(server);
  c.connection.connect();
  await c.onlineTimes(1);
  expect(server.attempts).toHaveLength(3);
  await expect(c.connection.iq(ask, 20)).rejects.toBeInstanceOf(IqTimeout);
});

test('when the server forgot the stream, a fresh session starts empty', async () => {
  const server = await serve();
  const c = client(server);
  c.connection.connect();
  await c.onlineTimes(1);
  const { jid } = c.connection;
  const answer = c.connection.iq(ask);
  await server.until(() => server.stanzas.length === 1);
  server.forget();
  server.cut();
  await expect.poll(() => c.connection.link.value).toBe('lost');
  c.connection.send(chat('for the old session'));
  await expect(answer).rejects.toBeInstanceOf(Disconnected);
  await c.onlineTimes(2);
  expect(c.online).toEqual([true, true]);
  expect(c.connection.jid).not.toBe(jid);
  c.connection.send(chat('new'));
  await server.until(() => server.stanzas.length >= 2);
  expect(server.stanzas.map((s) => s.name)).toEqual(['iq', 'message']);
  expect(textOf(server.stanzas[1]?.children[0] as Xml)).toBe('new');

  // The fresh session is resumable, too.
  server.cut();
  await c.onlineTimes(3);
  expect(c.online).toEqual([true, true, false]);
});

test('requests are answered, unknown ones with an error, pings always', async () => {
  const server = await serve();
  const c = client(server, { request: (iq) => (iq.children.length === 0 ? undefined : iqResult(iq, el('seen', 'x:y'))) });
  c.connection.connect();
  await c.onlineTimes(1);
  server.push(el('iq', '', { type: 'get', id: '1', from: 'meet.example' }, el('ping', ns.ping)));
  server.push(el('iq', '', { type: 'get', id: '2', from: 'meet.example' }));
  server.push(el('iq', '', { type: 'set', id: '3', from: 'meet.example' }, el('thing', 'x:y')));
  await server.until(() => server.stanzas.length === 3);
  expect(server.stanzas.map((s) => [s.attrs['id'], s.attrs['type']])).toEqual([
    ['1', 'result'],
    ['2', 'error'],
    ['3', 'result'],
  ]);
});

test('a handler that throws is not dropped', async () => {
  const server = await serve();
  const errors: unknown[] = [];
  const keep = (err: unknown) => errors.push(err);
  process.on('uncaughtException', keep);
  let seen = 0;
  const c = client(server, {
    presence: () => {
      seen++;
      throw new Error('ours to fix');
    },
  });
  c.connection.connect();
  await c.onlineTimes(1);
  server.push(el('presence', '', { from: 'demo@muc.meet.example/b' }));
  server.push(el('presence', '', { from: 'demo@muc.meet.example/b' }));
  await expect.poll(() => seen).toBe(2);
  await expect.poll(() => errors.length).toBe(2);
  process.off('uncaughtException', keep);
});

test('the first retry comes within half a second, later ones back off to ten', () => {
  for (const random of [() => 0, () => 0.999]) {
    expect(retryDelay(0, random)).toBeLessThanOrEqual(500);
    expect(retryDelay(1, random)).toBeLessThanOrEqual(1000);
    expect(retryDelay(50, random)).toBeLessThanOrEqual(10_000);
  }
});
