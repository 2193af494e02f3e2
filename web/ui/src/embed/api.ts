// external_api.js: meetings within the pages of others, with the calls and names that pages written for
// Jitsi know (constructor options, 20 commands, 20 events). It is served by the box and speaks only to
// the frame that it made, and only to the box's origin.
// Source: Jitsi handbook, IFrame API.

import { parse, print, printFragment, type Message } from './protocol.ts';

export interface Options {
  readonly roomName?: string;
  readonly parentNode?: Element;
  readonly width?: number | string;
  readonly height?: number | string;
  readonly userInfo?: { readonly displayName?: string; readonly email?: string };
  readonly configOverwrite?: Readonly<Record<string, unknown>>;
  readonly jwt?: string;
  readonly lang?: string;
  readonly onload?: () => void;
}

type Listener = (data: Readonly<Record<string, unknown>>) => void;

interface Person {
  readonly participantId: string;
  readonly displayName: string;
  readonly formattedDisplayName: string;
}

const greetEvery = 250;

function size(value: number | string | undefined): string {
  return typeof value === 'number' ? `${value}px` : (value ?? '100%');
}

export default class JitsiMeetExternalAPI {
  readonly #frame: HTMLIFrameElement;
  readonly #origin: string;
  readonly #listeners = new Map<string, Set<Listener>>();
  #waiting: Message[] = [];
  #welcome = false;
  #state: Readonly<Record<string, unknown>> = {};
  readonly #greeting: ReturnType<typeof setInterval>;

  /** domain is the box's host, with its port if that is not the usual one, and a slash and the tenant if there is one. */
  constructor(domain: string, options: Options = {}) {
    const url = new URL(`https://${domain.replace(/\/+$/, '')}/${encodeURIComponent(options.roomName ?? '')}`);
    if (options.jwt !== undefined) url.searchParams.set('jwt', options.jwt);
    const { displayName, email } = options.userInfo ?? {};
    url.hash = printFragment({ config: options.configOverwrite, userInfo: { displayName, email }, lang: options.lang });
    this.#origin = url.origin;
    this.#frame = document.createElement('iframe');
    this.#frame.allow = ['camera', 'microphone', 'display-capture', 'autoplay', 'fullscreen', 'clipboard-write', 'screen-wake-lock', 'picture-in-picture'].join('; ');
    this.#frame.src = url.href;
    this.#frame.title = options.roomName ?? 'Meeting';
    this.#frame.style.cssText = `border: 0; width: ${size(options.width)}; height: ${size(options.height)};`;
    if (options.onload) this.#frame.addEventListener('load', options.onload);
    window.addEventListener('message', this.#receive);
    (options.parentNode ?? document.body).append(this.#frame);
    this.#greeting = setInterval(() => this.#post({ kind: 'hello' }), greetEvery);
  }

  #post(message: Message): void {
    this.#frame.contentWindow?.postMessage(print(message), this.#origin);
  }

  readonly #receive = (event: MessageEvent<unknown>): void => {
    if (event.source !== this.#frame.contentWindow || event.origin !== this.#origin) return;
    const message = parse(event.data);
    switch (message?.kind) {
      case 'welcome':
        clearInterval(this.#greeting);
        if (this.#welcome) return;
        this.#welcome = true;
        for (const waiting of this.#waiting.splice(0)) this.#post(waiting);
        return;
      case 'state':
        this.#state = message.state;
        return;
      case 'event':
        for (const listener of this.#listeners.get(message.name) ?? []) listener(message.data);
    }
  };

  executeCommand(name: string, ...args: readonly unknown[]): void {
    const message: Message = { kind: 'command', name, args };
    if (this.#welcome) this.#post(message);
    else this.#waiting.push(message);
  }

  executeCommands(commands: Readonly<Record<string, readonly unknown[]>>): void {
    for (const [name, args] of Object.entries(commands)) this.executeCommand(name, ...args);
  }

  addListener(name: string, listener: Listener): void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(listener));
  }

  removeListener(name: string, listener: Listener): void {
    this.#listeners.get(name)?.delete(listener);
  }

  on(name: string, listener: Listener): void {
    this.addListener(name, listener);
  }

  off(name: string, listener: Listener): void {
    this.removeListener(name, listener);
  }

  addEventListener(name: string, listener: Listener): void {
    this.addListener(name, listener);
  }

  addEventListeners(listeners: Readonly<Record<string, Listener>>): void {
    for (const [name, listener] of Object.entries(listeners)) this.addListener(name, listener);
  }

  removeEventListener(name: string): void {
    this.#listeners.delete(name);
  }

  removeEventListeners(names: readonly string[]): void {
    for (const name of names) this.removeEventListener(name);
  }

  removeAllListeners(name: string): void {
    this.removeEventListener(name);
  }

  #people(): readonly Person[] {
    return Array.isArray(this.#state['participants']) ? (this.#state['participants'] as readonly Person[]) : [];
  }

  getParticipantsInfo(): readonly Person[] {
    return this.#people();
  }

  getNumberOfParticipants(): number {
    return this.#people().length;
  }

  getDisplayName(id: string): string | undefined {
    return this.#people().find((p) => p.participantId === id)?.displayName;
  }

  isAudioMuted(): Promise<boolean> {
    return Promise.resolve(this.#state['audioMuted'] === true);
  }

  isVideoMuted(): Promise<boolean> {
    return Promise.resolve(this.#state['videoMuted'] === true);
  }

  getIFrame(): HTMLIFrameElement {
    return this.#frame;
  }

  dispose(): void {
    clearInterval(this.#greeting);
    window.removeEventListener('message', this.#receive);
    this.#listeners.clear();
    this.#frame.remove();
  }
}
