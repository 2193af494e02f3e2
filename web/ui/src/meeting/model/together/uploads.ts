// Sending files to the box: a slot over XMPP, then the bytes over HTTP, read from the disk as they go
// (XEP-0363). A few at a time; each can be stopped.

import { parseItems, parseSlot, printSlotRequest } from '../../../xmpp/files.ts';
import { ns } from '../../../xmpp/ns.ts';
import { parseDisco } from '../../../xmpp/disco.ts';
import { StanzaError } from '../../../xmpp/stanza.ts';
import { el } from '../../../xmpp/xml.ts';
import type { Wire } from '../wire.ts';

/** Why a file was not sent. */
export type UploadProblem = 'too-large' | 'full' | 'off' | 'empty' | 'network';

export class UploadError extends Error {
  readonly problem: UploadProblem;

  constructor(problem: UploadProblem) {
    super(problem);
    this.name = 'UploadError';
    this.problem = problem;
  }
}

export interface UploadService {
  readonly address: string;
  /** Bytes of one file. */
  readonly most: number;
}

export interface Uploads {
  /** The box's service; null when it takes no files. Asked for once a session. */
  service(): Promise<UploadService | null>;
  /** Sends a file; the id that the box gave it. Rejects with an UploadError, or when aborted. */
  send(file: File, progress: (bytes: number) => void, aborted: AbortSignal): Promise<string>;
}

export function createUploads(wire: Wire): Uploads {
  let found: Promise<UploadService | null> | undefined;

  async function look(): Promise<UploadService | null> {
    const items = parseItems(await wire.iq(el('iq', '', { type: 'get', to: wire.domain }, el('query', ns.discoItems))));
    for (const address of items) {
      const disco = await wire
        .iq(el('iq', '', { type: 'get', to: address }, el('query', ns.discoInfo)))
        .then(parseDisco)
        .catch(() => undefined);
      if (disco?.features.has(ns.upload)) return { address, most: Number(disco.fields['max-file-size']) || Number.POSITIVE_INFINITY };
    }
    return null;
  }

  function service(): Promise<UploadService | null> {
    found ??= look().catch(() => {
      found = undefined;
      return null;
    });
    return found;
  }

  wire.onFresh(() => {
    found = undefined;
  });

  async function slotFor(file: File): Promise<{ readonly path: string; readonly id: string }> {
    const s = await service();
    if (!s) throw new UploadError('off');
    if (file.size === 0) throw new UploadError('empty');
    if (file.size > s.most) throw new UploadError('too-large');
    try {
      const slot = parseSlot(await wire.iq(printSlotRequest(s.address, file.name, file.size, file.type)));
      if (slot) return slot;
    } catch (err) {
      if (err instanceof StanzaError && err.has('file-too-large')) throw new UploadError('too-large');
      if (err instanceof StanzaError && err.condition === 'resource-constraint') throw new UploadError('full');
    }
    throw new UploadError('network');
  }

  return {
    service,
    async send(file, progress, aborted) {
      const slot = await slotFor(file);
      aborted.throwIfAborted();
      await put(new URL(slot.path, wire.origin).href, file, progress, aborted);
      return slot.id;
    },
  };
}

// XMLHttpRequest, because fetch tells nothing of how far a body has gone.
function put(url: string, file: File, progress: (bytes: number) => void, aborted: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.upload.addEventListener('progress', (event) => progress(event.loaded));
    request.addEventListener('loadend', () => {
      aborted.removeEventListener('abort', stop);
      if (request.status === 200 || request.status === 201) resolve();
      else if (aborted.aborted) reject(aborted.reason as Error);
      else reject(new UploadError(request.status === 413 ? 'too-large' : 'network'));
    });
    aborted.addEventListener('abort', stop);
    request.open('PUT', url);
    request.setRequestHeader('Content-Type', file.type === '' ? 'application/octet-stream' : file.type);
    request.send(file);
  });
}
