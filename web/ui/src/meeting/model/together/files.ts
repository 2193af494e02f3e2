// The files of a meeting: what is there, and what is on its way.

import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals-core';

import { endingOf, filePath, parseFilePush, printAddFile, printRemoveFile, type FileInfo } from '../../../xmpp/files.ts';
import type { Wire } from '../wire.ts';
import { UploadError, type UploadProblem, type Uploads } from './uploads.ts';

export interface SharedFile {
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly time: number;
  readonly author: string;
  readonly own: boolean;
  readonly url: string;
  /** A picture that browsers show. */
  readonly picture: boolean;
}

/** One that is being sent, or was not. */
export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  /** Bytes that have gone. */
  readonly sent: ReadonlySignal<number>;
  readonly problem: ReadonlySignal<UploadProblem | null>;
}

export interface Files {
  readonly available: ReadonlySignal<boolean>;
  /** The newest first. */
  readonly list: ReadonlySignal<readonly SharedFile[]>;
  readonly uploads: ReadonlySignal<readonly Upload[]>;
  readonly unseen: ReadonlySignal<number>;
  /** The most bytes of one file; null until it is known. */
  readonly most: ReadonlySignal<number | null>;
  share(files: readonly File[]): void;
  /** Stops one that is being sent, or takes one that failed off the list. */
  cancel(upload: string): void;
  again(upload: string): void;
  /** The author or a moderator. */
  remove(file: string): void;
  looking(open: boolean): void;
}

interface Running extends Upload {
  readonly file: File;
  readonly sent: Signal<number>;
  readonly problem: Signal<UploadProblem | null>;
  stop: AbortController;
}

/** At once; a line that is full does not get faster by more. */
const atOnce = 2;
/** How long (ms) the room's own list may take after we have entered. */
const listTime = 2_000;
const pictures = new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'bmp']);

export function createFiles(wire: Wire, uploads: Uploads): Files {
  const infos = signal<readonly FileInfo[]>([]);
  const running = signal<readonly Running[]>([]);
  const unseen = signal(0);
  const most = signal<number | null>(null);
  const mine = new Set<string>();
  let waiting: Running[] = [];
  let active = 0;
  let open = false;

  const put = (file: FileInfo) => {
    infos.value = [...infos.peek().filter((f) => f.id !== file.id), file];
  };
  const drop = (id: string) => {
    infos.value = infos.peek().filter((f) => f.id !== id);
  };

  let before: { readonly room: string; readonly own: readonly FileInfo[] } = { room: '', own: [] };
  wire.onFresh(() => {
    if (infos.peek().length > 0) before = { room: wire.room.peek(), own: infos.peek().filter((f) => mine.has(f.id)) };
    infos.value = [];
  });
  // A box that was switched off has the bytes still, but not the list. Who has sent them says so again.
  wire.onEntered(() => {
    const { room, own } = before;
    before = { room: '', own: [] };
    if (own.length === 0 || room !== wire.room.peek()) return;
    setTimeout(() => {
      for (const info of own) if (room === wire.room.peek() && !infos.peek().some((f) => f.id === info.id)) announce(info);
    }, listTime);
  });
  wire.onPush('file-sharing', (body) => {
    const push = parseFilePush(body);
    switch (push?.kind) {
      case 'list':
        infos.value = push.files;
        return;
      case 'add':
        put(push.file);
        if (!open) unseen.value += 1;
        wire.notice({ kind: 'file', name: push.file.authorName, file: push.file.name });
        return;
      case 'remove':
        drop(push.id);
    }
  });

  function next(): void {
    while (active < atOnce) {
      const one = waiting.shift();
      if (!one) return;
      active += 1;
      void send(one).finally(() => {
        active -= 1;
        next();
      });
    }
  }

  function announce(info: Omit<FileInfo, 'author' | 'authorJid' | 'authorName'>): void {
    // The service tells the others only.
    wire.send('file-sharing', printAddFile(info));
    put({ ...info, author: wire.endpoint(), authorJid: '', authorName: wire.me.name.peek() });
  }

  async function send(u: Running): Promise<void> {
    const { file, stop } = u;
    try {
      const id = await uploads.send(file, (bytes) => (u.sent.value = bytes), stop.signal);
      const info = { id, name: file.name, size: file.size, type: endingOf(file.name), time: Date.now() };
      mine.add(id);
      announce(info);
      running.value = running.peek().filter((x) => x !== u);
    } catch (err) {
      if (!stop.signal.aborted) u.problem.value = err instanceof UploadError ? err.problem : 'network';
    }
  }

  function start(u: Running): void {
    u.problem.value = null;
    u.sent.value = 0;
    u.stop = new AbortController();
    waiting.push(u);
    next();
  }

  return {
    available: computed(() => wire.services.value.has('file-sharing')),
    most,
    unseen,
    uploads: running,
    list: computed(() =>
      infos.value
        .map(
          (f): SharedFile => ({
            id: f.id,
            name: f.name,
            size: f.size,
            time: f.time,
            author: wire.who(f.author)?.name.value || f.authorName,
            own: mine.has(f.id) || f.author === wire.endpoint(),
            url: new URL(filePath(f.id, f.name), wire.origin).href,
            picture: pictures.has(endingOf(f.name)),
          }),
        )
        .toSorted((a, b) => b.time - a.time),
    ),
    share(files) {
      const more = files.map((file): Running => ({ id: wire.newId(), name: file.name, size: file.size, file, sent: signal(0), problem: signal<UploadProblem | null>(null), stop: new AbortController() }));
      running.value = [...running.peek(), ...more];
      for (const u of more) start(u);
    },
    cancel(id) {
      const u = running.peek().find((x) => x.id === id);
      u?.stop.abort();
      waiting = waiting.filter((x) => x !== u);
      running.value = running.peek().filter((x) => x !== u);
    },
    again(id) {
      const u = running.peek().find((x) => x.id === id);
      if (u?.problem.peek()) start(u);
    },
    remove(id) {
      drop(id);
      wire.send('file-sharing', printRemoveFile(id));
    },
    looking(now) {
      open = now;
      if (!now) return;
      unseen.value = 0;
      void uploads.service().then((s) => {
        most.value = s?.most ?? 0;
      });
    },
  };
}
