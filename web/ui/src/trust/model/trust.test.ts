import { effect } from '@preact/signals-core';
import { expect, test } from 'vitest';
import { fileFor, systemOf } from './device.ts';
import { watchTrust } from './watch.ts';

test.each([
  ['ios', 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1', 5],
  ['ios', 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/144.0 Mobile/15E148 Safari/604.1', 5],
  ['ios', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15', 5],
  ['mac', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15', 0],
  ['firefox', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0', 0],
  ['android', 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36', 5],
  ['firefox-android', 'Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0', 5],
  ['windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36', 10],
  ['chromeos', 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36', 0],
  ['linux', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36', 0],
] as const)('%s', (system, userAgent, touchPoints) => {
  expect(systemOf(userAgent, touchPoints)).toBe(system);
});

test('Apple’s phones get a profile', () => {
  expect(fileFor('ios')).toBe('/ca.mobileconfig');
  expect(fileFor('windows')).toBe('/ca.crt');
});

test('it is trusted when a WebSocket goes through too', async () => {
  const asked: string[] = [];
  let tries = 0;
  const probe = {
    request: async (url: string) => {
      asked.push(url);
      return ++tries > 1;
    },
    socket: async (url: string) => {
      asked.push(url);
      return tries > 2;
    },
    wait: () => Promise.resolve(),
  };
  const trust = watchTrust('https://192.0.2.7:8443', probe);
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    effect(() => {
      seen.push(trust.value);
      if (trust.value === 'yes') resolve();
    });
  });
  expect(seen).toEqual(['unknown', 'no', 'yes']);
  const page = 'https://192.0.2.7:8443/.well-known/meetbox-trusted';
  const socket = 'wss://192.0.2.7:8443/xmpp-websocket';
  expect(asked).toEqual([page, page, socket, page, socket]);
});
