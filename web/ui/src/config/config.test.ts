import { expect, test } from 'vitest';

import { ConfigError, readConfig, sameFront } from './config.ts';

const hosts = { domain: 'meet.jitsi', muc: 'muc.meet.jitsi' };

test('what is not said has its default', () => {
  expect(readConfig({ hosts }, 'https://box.local:8443')).toEqual({
    domain: 'meet.jitsi',
    login: 'meet.jitsi',
    token: '',
    muc: 'muc.meet.jitsi',
    focus: 'focus.meet.jitsi',
    websocket: 'wss://box.local:8443/xmpp-websocket',
    boards: '',
    bosh: 'https://box.local:8443/http-bind',
    hostUrl: '',
    conferenceRequestUrl: '',
    ssrcRewriting: true,
    preferSctp: true,
    startMuted: { audio: false, video: false },
    lastN: -1,
    simulcast: true,
    resolution: 720,
    frames: [],
  });
});

test('what is said is taken', () => {
  expect(
    readConfig(
      {
        hosts: { ...hosts, focus: 'f.x' },
        websocket: 'wss://other/x',
        hostUrl: '/host.json',
        conferenceRequestUrl: '/conference-request/v1',
        flags: { ssrcRewritingEnabled: false },
        bridgeChannel: { preferSctp: false },
        startWithAudioMuted: true,
        channelLastN: 20,
        disableSimulcast: true,
        resolution: 360,
      },
      'https://box.local',
    ),
  ).toMatchObject({
    focus: 'f.x',
    websocket: 'wss://other/x',
    hostUrl: 'https://box.local/host.json',
    conferenceRequestUrl: 'https://box.local/conference-request/v1',
    ssrcRewriting: false,
    preferSctp: false,
    startMuted: { audio: true, video: false },
    lastN: 20,
    simulcast: false,
    resolution: 360,
  });
});

test('guests log in beside the domain, and who has a token at it', () => {
  const config = { hosts: { ...hosts, anonymousdomain: 'guest.meet.jitsi' } };
  expect(readConfig(config, 'https://box.local')).toMatchObject({ login: 'guest.meet.jitsi', token: '' });
  expect(readConfig(config, 'https://box.local', '?jwt=a.b.c')).toMatchObject({ login: 'meet.jitsi', token: 'a.b.c' });
});

test('without a domain there is no meeting', () => {
  expect(() => readConfig(undefined, 'https://box.local')).toThrow(ConfigError);
  expect(() => readConfig({ hosts: { domain: 'd' } }, 'https://box.local')).toThrow('hosts.muc');
});

test('a bridge is reached by the name the page was loaded from', () => {
  expect(sameFront('wss://192.0.2.2:9543/colibri-ws/b/c/e?pwd=p', 'wss://box.local/xmpp-websocket')).toBe('wss://box.local/colibri-ws/b/c/e?pwd=p');
  expect(sameFront('wss://box.local/colibri-ws/b', 'wss://[::1]:8443/x')).toBe('wss://[::1]:8443/colibri-ws/b');
});
