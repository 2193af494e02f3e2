// Which key does what: Jitsi's letters, unless the person chose others. Pure.

/** What a key can do, in the order of the list that people read. */
export const commands = [
  'microphone',
  'talk',
  'camera',
  'share',
  'hand',
  'chat',
  'people',
  'view',
  'strip',
  'pin-self',
  'quality',
  'stats',
  'full-screen',
  'help',
  'react-like',
  'react-clap',
  'react-laugh',
  'react-surprised',
  'react-boo',
  'react-silence',
] as const;

export type Command = (typeof commands)[number];

/** A key as `keyOf` names it, '' for none. */
export type Keymap = Readonly<Record<Command, string>>;

export const defaults: Keymap = {
  microphone: 'm',
  talk: 'space',
  camera: 'v',
  share: 'd',
  hand: 'r',
  chat: 'c',
  people: 'p',
  view: 'w',
  strip: 'f',
  'pin-self': '0',
  quality: 'a',
  stats: 't',
  'full-screen': 's',
  help: '?',
  'react-like': 'alt+t',
  'react-clap': 'alt+c',
  'react-laugh': 'alt+l',
  'react-surprised': 'alt+o',
  'react-boo': 'alt+b',
  'react-silence': 'alt+s',
};

/** What of a keyboard event names a key. */
export interface Press {
  readonly key: string;
  readonly code: string;
  readonly altKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/**
 * The name of a key: its character, `space`, or the letter printed on it where the layout has none of
 * the Latin ones or Alt makes another character of it; '' for what can be no shortcut.
 */
export function keyOf(press: Press): string {
  if (press.ctrlKey || press.metaKey) return '';
  const letter = /^(?:Key|Digit)([A-Z0-9])$/.exec(press.code)?.[1]?.toLowerCase();
  if (press.altKey) return letter === undefined ? '' : `alt+${letter}`;
  if (press.key === ' ') return 'space';
  if ([...press.key].length !== 1) return '';
  const latin = /^[!-~]$/.test(press.key);
  return latin || letter === undefined ? press.key.toLowerCase() : letter;
}

/** 1 to 9 pin somebody, which stays so. */
export function isFree(key: string): boolean {
  return key !== '' && !/^[1-9]$/.test(key);
}

export function commandOf(keymap: Keymap, key: string): Command | undefined {
  return key === '' ? undefined : commands.find((c) => keymap[c] === key);
}

/** The map with another key for a command; whoever had that key has none. */
export function assign(keymap: Keymap, command: Command, key: string): Keymap {
  if (key !== '' && !isFree(key)) return keymap;
  const former = commandOf(keymap, key);
  return { ...keymap, ...(former ? { [former]: '' } : {}), [command]: key };
}

/** Only what differs from Jitsi's letters is kept. */
export function print(keymap: Keymap): string {
  return JSON.stringify(Object.fromEntries(commands.filter((c) => keymap[c] !== defaults[c]).map((c) => [c, keymap[c]])));
}

/** Anything that is not a map of ours is the default. */
export function parse(text: string): Keymap {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return defaults;
  }
  if (typeof given !== 'object' || given === null) return defaults;
  const entries = Object.entries(given as Record<string, unknown>);
  return commands.reduce<Keymap>((map, c) => {
    const key = entries.find(([name]) => name === c)?.[1];
    return typeof key === 'string' ? assign(map, c, key) : map;
  }, defaults);
}
