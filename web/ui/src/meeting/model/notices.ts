// Things to be told once. The list is short: what nobody dismissed in time is pushed out.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { Notice, NoticeKind } from './types.ts';

export interface Notices {
  readonly list: ReadonlySignal<readonly Notice[]>;
  add(notice: NoticeKind): void;
  dismiss(id: number): void;
}

const most = 20;

export function createNotices(now: () => number = Date.now): Notices {
  const list = signal<readonly Notice[]>([]);
  let next = 0;
  return {
    list,
    add(notice) {
      list.value = [...list.value, { ...notice, id: ++next, time: now() }].slice(-most);
    },
    dismiss(id) {
      list.value = list.value.filter((n) => n.id !== id);
    },
  };
}
