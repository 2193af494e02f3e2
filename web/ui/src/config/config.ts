// The settings this page runs with: the global `config` that /config.js defines, in the form the
// Jitsi clients use too. Read once, into a value in which nothing is optional.

export interface Config {
  readonly domain: string;
  /** Where this page logs in: the domain itself, or the one for guests beside it. */
  readonly login: string;
  /** The JSON Web Token of the invitation; '' without one. */
  readonly token: string;
  readonly muc: string;
  readonly focus: string;
  /** wss: URL of the XMPP service. */
  readonly websocket: string;
  /** XMPP by requests, for where WebSockets fail. */
  readonly bosh: string;
  /** Where people of a directory get a token to begin a meeting with; '' where they cannot. */
  readonly hostUrl: string;
  /** URL of the HTTP conference request; '' asks by IQ. */
  readonly conferenceRequestUrl: string;
  readonly ssrcRewriting: boolean;
  /** Use the SCTP channel to the bridge when it is offered, else its WebSocket. */
  readonly preferSctp: boolean;
  readonly startMuted: { readonly audio: boolean; readonly video: boolean };
  /** The most video sources to receive; -1 is no limit. */
  readonly lastN: number;
  readonly simulcast: boolean;
  /** The wanted height of the own camera picture. */
  readonly resolution: number;
  /** Where whiteboards are relayed, '' for nowhere. */
  readonly boards: string;
  /** Origins of pages that may steer a meeting within them. */
  readonly frames: readonly string[];
}

export class ConfigError extends Error {
  constructor(what: string) {
    super(`reading config.js: ${what}`);
    this.name = 'ConfigError';
  }
}

type Json = Readonly<Record<string, unknown>>;

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function text(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}

function flag(value: unknown, fallback: boolean): boolean {
  return typeof value === 'boolean' ? value : fallback;
}

function count(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}

/**
 * Reads the value of `window.config`. origin is the page's, for URLs that are not there or relative;
 * search is the query of its address.
 */
export function readConfig(value: unknown, origin: string, search = ''): Config {
  const token = new URLSearchParams(search).get('jwt') ?? '';
  const config = object(value);
  const hosts = object(config['hosts']);
  const flags = object(config['flags']);
  const domain = text(hosts['domain'], '');
  const muc = text(hosts['muc'], '');
  if (domain === '') throw new ConfigError('hosts.domain is missing');
  if (muc === '') throw new ConfigError('hosts.muc is missing');
  const resolve = (url: string, scheme: 'http' | 'ws') =>
    new URL(url, origin).href.replace(/^(http|ws)/, scheme);
  const boards = object(config['whiteboard']);
  const requestUrl = text(config['conferenceRequestUrl'], '');
  const hostUrl = text(config['hostUrl'], '');
  return {
    domain,
    login: token === '' ? text(hosts['anonymousdomain'], domain) : domain,
    token,
    muc,
    focus: text(hosts['focus'], `focus.${domain}`),
    websocket: resolve(text(config['websocket'], '/xmpp-websocket'), 'ws'),
    bosh: resolve(text(config['bosh'], '/http-bind'), 'http'),
    hostUrl: hostUrl === '' ? '' : resolve(hostUrl, 'http'),
    conferenceRequestUrl: requestUrl === '' ? '' : resolve(requestUrl, 'http'),
    ssrcRewriting: flag(flags['ssrcRewritingEnabled'], true),
    preferSctp: flag(object(config['bridgeChannel'])['preferSctp'], true),
    startMuted: {
      audio: flag(config['startWithAudioMuted'], false),
      video: flag(config['startWithVideoMuted'], false),
    },
    lastN: count(config['channelLastN'], -1),
    simulcast: !flag(config['disableSimulcast'], false),
    resolution: count(config['resolution'], 720),
    boards: boards['enabled'] === true ? text(boards['collabServerBaseUrl'], '') : '',
    frames: texts(object(config['embedding'])['origins']),
  };
}

/**
 * The address of a bridge's WebSocket with the host the XMPP service is reached by. A bridge names
 * one of the box's names; the page may only talk to the one it was loaded from, and the box's front
 * leads to the bridge under all of them.
 */
export function sameFront(url: string, websocket: string): string {
  const { pathname, search } = new URL(url);
  return new URL(pathname + search, websocket).href;
}
