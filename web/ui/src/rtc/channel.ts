// The channel to the bridge: text messages over a data channel, or over a WebSocket of the bridge's.
// Messages sent before it is open wait; what they mean is the model's business.

import { signal, type ReadonlySignal } from '@preact/signals-core';

export interface Channel {
  readonly open: ReadonlySignal<boolean>;
  send(text: string): void;
  close(): void;
}

/** More waiting messages than this are of no use to anybody: the oldest go. */
const maxWaiting = 50;

/** Label and protocol that bridges look for. */
export const dataChannelLabel = 'JVB data channel';
export const dataChannelProtocol = 'http://jitsi.org/protocols/colibri';

export function dataChannel(channel: RTCDataChannel, onMessage: (text: string) => void): Channel {
  const open = signal(false);
  const waiting: string[] = [];
  channel.onopen = () => {
    for (const text of waiting.splice(0)) channel.send(text);
    open.value = true;
  };
  channel.onclose = () => {
    open.value = false;
  };
  channel.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'string') onMessage(event.data);
  };
  return {
    open,
    send(text) {
      if (channel.readyState === 'open') channel.send(text);
      else if (channel.readyState === 'connecting') {
        waiting.push(text);
        if (waiting.length > maxWaiting) waiting.shift();
      }
    },
    close() {
      channel.close();
      open.value = false;
    },
  };
}

/** Reconnects after 1, 2, 4 … 60 s for as long as it is wanted. */
export function webSocketChannel(url: string, onMessage: (text: string) => void): Channel {
  const open = signal(false);
  const waiting: string[] = [];
  let closed = false;
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket;
  const connect = () => {
    socket = new WebSocket(url);
    socket.onopen = () => {
      attempt = 0;
      for (const text of waiting.splice(0)) socket.send(text);
      open.value = true;
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (typeof event.data === 'string') onMessage(event.data);
    };
    socket.onclose = () => {
      open.value = false;
      if (closed) return;
      timer = setTimeout(connect, Math.min(1000 * 2 ** attempt++, 60_000));
    };
  };
  connect();
  return {
    open,
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
      else {
        waiting.push(text);
        if (waiting.length > maxWaiting) waiting.shift();
      }
    },
    close() {
      closed = true;
      clearTimeout(timer);
      socket.close();
      open.value = false;
    },
  };
}
