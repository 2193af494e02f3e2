import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Somebody in a room who writes numbered lines, by bare XMPP with stream management (XEP-0198). */
export class Writer {
  /** Numbers of the lines heard, by who wrote them. */
  readonly heard = new Map<string, number[]>();
  written = 0;
  closed = false;
  nick = '';
  #handled = 0;
  readonly #answers: string[] = [];
  readonly #socket: WebSocket;
  readonly #room: string;

  private constructor(url: string, room: string) {
    this.#room = `${room}@muc.meet.jitsi`;
    this.#socket = new WebSocket(`${url.replace('https', 'wss')}/xmpp-websocket`, ['xmpp'], { rejectUnauthorized: false });
  }

  static async enter(url: string, room: string): Promise<Writer> {
    const writer = new Writer(url, room);
    const socket = writer.#socket;
    socket.on('message', (data: Buffer) => writer.#hear(data.toString()));
    socket.on('close', () => (writer.closed = true));
    await once(socket, 'open');
    const header = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="meet.jitsi" version="1.0"/>';
    socket.send(header);
    await writer.#ask('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>', /^<success/);
    socket.send(header);
    const bound = await writer.#ask('<iq xmlns="jabber:client" type="set" id="1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>', /<jid>(.{8})/);
    writer.nick = bound[1] ?? '';
    await writer.#ask(`<iq xmlns="jabber:client" type="set" id="2" to="focus.meet.jitsi"><conference xmlns="http://jitsi.org/protocol/focus" room="${writer.#room}"/></iq>`, / ready="true"/);
    await writer.#ask('<enable xmlns="urn:xmpp:sm:3" resume="true"/>', /^<enabled/);
    writer.#handled = 0;
    await writer.#ask(`<presence xmlns="jabber:client" to="${writer.#room}/${writer.nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, /<status code="110"/);
    return writer;
  }

  write(): void {
    this.#socket.send(`<message xmlns="jabber:client" type="groupchat" to="${this.#room}"><body>${this.nick} ${this.written}</body></message>`);
    this.written += 1;
    if (this.written % 5 === 0) this.#socket.send('<r xmlns="urn:xmpp:sm:3"/>');
  }

  leave(): void {
    this.#socket.send(`<presence xmlns="jabber:client" to="${this.#room}/${this.nick}" type="unavailable"/>`);
    this.#socket.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>');
    this.#socket.close();
  }

  async #ask(text: string, answer: RegExp): Promise<RegExpExecArray> {
    this.#socket.send(text);
    for (;;) {
      for (const a of this.#answers.splice(0)) {
        const match = answer.exec(a);
        if (match) return match;
      }
      await once(this.#socket, 'message');
    }
  }

  #hear(text: string): void {
    if (/^<(?:iq|message|presence)/.test(text)) this.#handled += 1;
    if (text.startsWith('<r ')) this.#socket.send(`<a xmlns="urn:xmpp:sm:3" h="${this.#handled}"/>`);
    const line = /<body>(\w+) (\d+)<\/body>/.exec(text);
    if (!line) this.#answers.push(text);
    else this.heard.set(line[1] ?? '', [...(this.heard.get(line[1] ?? '') ?? []), Number(line[2])]);
  }
}
