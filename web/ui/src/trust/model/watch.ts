// Whether this device trusts the box: it does when a request and a WebSocket to the secure side go
// through. A certificate that was only clicked away lets the first pass on Apple's devices, not the second.

import { type ReadonlySignal, signal } from '@preact/signals-core';

export type Trust = 'unknown' | 'no' | 'yes';

/** How to reach the secure side; a test has another. */
export interface Probe {
  request(url: string): Promise<boolean>;
  socket(url: string): Promise<boolean>;
  wait(ms: number): Promise<void>;
}

const again = 2500;

/** Asks until the answer is yes. */
export function watchTrust(origin: string, probe: Probe): ReadonlySignal<Trust> {
  const trust = signal<Trust>('unknown');
  const run = async () => {
    for (;;) {
      if ((await probe.request(`${origin}/.well-known/meetbox-trusted`)) && (await probe.socket(`${origin.replace(/^http/, 'ws')}/xmpp-websocket`))) {
        trust.value = 'yes';
        return;
      }
      trust.value = 'no';
      await probe.wait(again);
    }
  };
  void run();
  return trust;
}

export const browserProbe: Probe = {
  request: async (url) => {
    try {
      return (await fetch(url, { cache: 'no-store' })).ok;
    } catch {
      return false;
    }
  },
  socket: (url) =>
    new Promise((resolve) => {
      const socket = new WebSocket(url, 'xmpp');
      socket.onopen = () => {
        resolve(true);
        socket.close();
      };
      socket.onerror = () => resolve(false);
    }),
  wait: (ms) =>
    new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        document.removeEventListener('visibilitychange', over);
        resolve();
      };
      const timer = setTimeout(over, ms);
      // Somebody comes back from the settings of the device.
      document.addEventListener('visibilitychange', over);
    }),
};
