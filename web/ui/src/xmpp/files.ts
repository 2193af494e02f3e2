// Files of a meeting: where to put one (XEP-0363), and the list that the room keeps of them
// (signaling contract 7.14). A file's id is the part of its address that the box made, so that who
// knows the list knows the addresses.

import { count, object, text, type Json } from './json.ts';
import { ns } from './ns.ts';
import { child, childrenOf, el, type Xml } from './xml.ts';

export interface FileInfo {
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The name's ending, in small letters and without the dot, as Jitsi's clients have it. */
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Endpoint id of who shared it. */
  readonly author: string;
  readonly authorJid: string;
  readonly authorName: string;
}

export type FilePush =
  | { readonly kind: 'add'; readonly file: FileInfo }
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'list'; readonly files: readonly FileInfo[] };

function parseFile(v: unknown): FileInfo | undefined {
  const f = object(v);
  const id = text(f['fileId']);
  const name = text(f['fileName']);
  if (id === '' || name === '') return undefined;
  return {
    id,
    name,
    size: count(f['fileSize']),
    type: text(f['fileType']),
    time: count(f['timestamp']),
    author: text(f['authorParticipantId']),
    authorJid: text(f['authorParticipantJid']),
    authorName: text(f['authorParticipantName']),
  };
}

export function parseFilePush(body: Json): FilePush | undefined {
  switch (body['event']) {
    case 'add': {
      const file = parseFile(body['file']);
      return file && { kind: 'add', file };
    }
    case 'remove':
      return { kind: 'remove', id: text(body['fileId']) };
    case 'list':
      return { kind: 'list', files: Object.values(object(body['files'])).flatMap((f) => parseFile(f) ?? []) };
    default:
      return undefined;
  }
}

export function printAddFile(f: Omit<FileInfo, 'author' | 'authorJid' | 'authorName'>): Xml {
  const body = { fileId: f.id, fileName: f.name, fileSize: f.size, fileType: f.type, timestamp: f.time };
  return el('file-sharing', ns.jitmeet, { type: 'add' }, JSON.stringify(body));
}

export function printRemoveFile(id: string): Xml {
  return el('file-sharing', ns.jitmeet, { type: 'remove', fileId: id });
}

/** The ending of a file's name; '' when it has none. */
export function endingOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot < 1 ? '' : name.slice(dot + 1).toLowerCase();
}

export function printSlotRequest(service: string, name: string, size: number, type: string): Xml {
  const attrs = { filename: name, size, 'content-type': type === '' ? undefined : type };
  return el('iq', '', { type: 'get', to: service }, el('request', ns.upload, attrs));
}

/** The path to put a file to, and the id in it. Undefined: the answer has none. */
export function parseSlot(iq: Xml): { readonly path: string; readonly id: string } | undefined {
  const url = child(child(iq, 'slot', ns.upload), 'put')?.attrs['url'] ?? '';
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  const id = /^\/upload\/([^/]+)\/[^/]+$/.exec(path)?.[1];
  return id === undefined ? undefined : { path, id };
}

/** A file's path from what the list says: in names, the box keeps what every browser passes on. */
export function filePath(id: string, name: string): string {
  let out = '';
  for (const byte of new TextEncoder().encode(name)) {
    const c = String.fromCharCode(byte);
    out += /[\w-]/.test(c) || (c === '.' && out !== '') ? c : '_';
  }
  return `/upload/${encodeURIComponent(id)}/${out}`;
}

/** Addresses of a domain's services (disco#items). */
export function parseItems(iq: Xml): readonly string[] {
  return childrenOf(child(iq, 'query', ns.discoItems), 'item').flatMap((i) => i.attrs['jid'] ?? []);
}
