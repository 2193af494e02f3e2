// A small XMPP server over WebSocket for tests: logs everybody in, counts stanzas, keeps streams for
// resumption, and can cut sockets or forget streams on request.

import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

import { child, print, type Xml } from '../src/xmpp/xml.ts';
import { parse } from './parse.ts';

interface Stream {
  readonly id: string;
  readonly jid: string;
  socket: WebSocket | null;
  received: number;
  sent: string[];
  acked: number;
}

export class TestServer {
  readonly #server: WebSocketServer;
  readonly #streams = new Map<string, Stream>();
  #next = 0;
  /** URLs of all connection attempts. */
  readonly attempts: string[] = [];
  /** Countable stanzas that reached the server, in order. */
  readonly stanzas: Xml[] = [];
  /** Called for each of them; what it returns is sent back. */
  answer: (stanza: Xml, jid: string) => readonly Xml[] = () => [];
  /** How many of those who come next are sent away at once, in due form. */
  full = 0;
  #waiting: (() => void)[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => this.#accept(socket, request.url ?? ''));
  }

  static async listen(): Promise<TestServer> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'xmpp' });
    await new Promise((resolve) => server.once('listening', resolve));
    return new TestServer(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/xmpp-websocket?room=demo`;
  }

  /** Ends all sockets without a word, as a lost network does. */
  cut(): void {
    for (const socket of this.#server.clients) socket.terminate();
  }

  /** Forgets all streams, as a restarted server does. */
  forget(): void {
    this.#streams.clear();
  }

  /** Sends to every stream, also to those without a socket. */
  push(stanza: Xml): void {
    for (const stream of this.#streams.values()) this.#deliver(stream, stanza);
  }

  /** Resolves when the condition holds; looked at after every stanza and connection. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = withResolvers();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #deliver(stream: Stream, stanza: Xml): void {
    const text = print({ ...stanza, ns: 'jabber:client' });
    stream.sent.push(text);
    stream.socket?.send(text);
  }

  #accept(socket: WebSocket, url: string): void {
    this.attempts.push(url);
    this.#wake();
    if (this.full > 0) {
      this.full--;
      socket.close(1001);
      return;
    }
    let authenticated = false;
    let stream: Stream | undefined;
    socket.on('message', (data) => {
      const x = parse(String(data));
      switch (x.name) {
        case 'open':
          socket.send('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="meet.example" id="s" version="1.0"/>');
          socket.send(
            `<stream:features xmlns:stream="http://etherx.jabber.org/streams">${
              authenticated
                ? '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><required/></bind><sm xmlns="urn:xmpp:sm:3"/>'
                : '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>ANONYMOUS</mechanism></mechanisms>'
            }</stream:features>`,
          );
          return;
        case 'auth':
          authenticated = true;
          socket.send('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>');
          return;
        case 'enable': {
          if (!stream) return;
          socket.send(`<enabled xmlns="urn:xmpp:sm:3" id="${stream.id}" resume="true" max="60"/>`);
          return;
        }
        case 'resume': {
          const old = this.#streams.get(x.attrs['previd'] ?? '');
          if (!old) {
            socket.send('<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>');
            return;
          }
          stream = old;
          stream.socket = socket;
          socket.send(`<resumed xmlns="urn:xmpp:sm:3" h="${old.received}" previd="${old.id}"/>`);
          old.acked = Number(x.attrs['h']);
          for (const text of old.sent.slice(old.acked)) socket.send(text);
          return;
        }
        case 'r':
          socket.send(`<a xmlns="urn:xmpp:sm:3" h="${stream?.received ?? 0}"/>`);
          return;
        case 'iq':
          if (child(x, 'bind')) {
            const id = `stream${++this.#next}`;
            const jid = `${String(this.#next).padStart(8, 'a')}-0000-4000-8000-000000000001@meet.example/r`;
            stream = { id, jid, socket, received: 0, sent: [], acked: 0 };
            this.#streams.set(id, stream);
            socket.send(
              `<iq type="result" id="${x.attrs['id']}"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>${jid}</jid></bind></iq>`,
            );
            return;
          }
      }
      if (stream && ['iq', 'message', 'presence'].includes(x.name)) {
        stream.received++;
        this.stanzas.push(x);
        for (const answer of this.answer(x, stream.jid)) this.#deliver(stream, answer);
        this.#wake();
      }
    });
    socket.on('close', () => {
      if (stream?.socket === socket) stream.socket = null;
    });
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}
