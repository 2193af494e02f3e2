// What external_api.js and the meeting page in its frame say to each other, by postMessage. Both are
// the box's own; who else listens is decided by origins, on both sides. Pure.

/** Marks our messages among whatever else pages send each other. */
const mark = 'meetbox-embed-1';

export type Message =
  /** The outer page is there; said again until it is answered. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'welcome' }
  | { readonly kind: 'command'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: 'event'; readonly name: string; readonly data: Readonly<Record<string, unknown>> }
  /** What the meeting is now, for questions that are answered at once. */
  | { readonly kind: 'state'; readonly state: Readonly<Record<string, unknown>> };

export function print(message: Message): unknown {
  return { [mark]: message };
}

function object(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** Anything that is not one of ours is undefined. */
export function parse(data: unknown): Message | undefined {
  const m = object(object(data)?.[mark]);
  const name = typeof m?.['name'] === 'string' ? m['name'] : '';
  switch (m?.['kind']) {
    case 'hello':
    case 'welcome':
      return { kind: m['kind'] };
    case 'command':
      return name === '' ? undefined : { kind: 'command', name, args: Array.isArray(m['args']) ? (m['args'] as unknown[]) : [] };
    case 'event':
      return name === '' ? undefined : { kind: 'event', name, data: object(m['data']) ?? {} };
    case 'state':
      return { kind: 'state', state: object(m['state']) ?? {} };
    default:
      return undefined;
  }
}

/** What an outer page may set for a meeting, by the fragment of its address as Jitsi writes it. */
export interface Wishes {
  readonly audioMuted: boolean;
  readonly videoMuted: boolean;
  /** Go in without the page before it; only in a frame. */
  readonly straightIn: boolean;
  readonly displayName: string;
  readonly language: string;
}

export const noWishes: Wishes = { audioMuted: false, videoMuted: false, straightIn: false, displayName: '', language: '' };

/** Reads `#config.startWithAudioMuted=true&userInfo.displayName="Ada"`; what is not understood does nothing. */
export function parseFragment(fragment: string): Wishes {
  const values = new Map<string, unknown>();
  for (const [key, text] of new URLSearchParams(fragment.replace(/^#/, ''))) {
    try {
      values.set(key, JSON.parse(text));
    } catch {
      values.set(key, text);
    }
  }
  const text = (key: string, most: number) => {
    const value = values.get(key);
    return typeof value === 'string' ? value.slice(0, most) : '';
  };
  return {
    audioMuted: values.get('config.startWithAudioMuted') === true,
    videoMuted: values.get('config.startWithVideoMuted') === true,
    straightIn: values.get('config.prejoinConfig.enabled') === false || values.get('config.prejoinPageEnabled') === false,
    displayName: text('userInfo.displayName', 100),
    language: text('lang', 20) || text('config.defaultLanguage', 20),
  };
}

/** The fragment for what a page asked for: every leaf as JSON under its path. */
export function printFragment(parts: Readonly<Record<string, unknown>>): string {
  const out: string[] = [];
  const walk = (value: unknown, path: string) => {
    const inner = object(value);
    if (inner) for (const [key, v] of Object.entries(inner)) walk(v, path === '' ? key : `${path}.${key}`);
    else if (value !== undefined) out.push(`${encodeURIComponent(path)}=${encodeURIComponent(JSON.stringify(value))}`);
  };
  walk(parts, '');
  return out.join('&');
}
