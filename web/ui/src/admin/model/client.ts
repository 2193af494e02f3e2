// Requests to the box. One that was not carried out is a Refused with the box's own words; one that did
// not arrive is an Unreachable, and the link is down until the box answers again.

import { type ReadonlySignal, signal } from '@preact/signals-core';
import type { Problem } from '../api.ts';

/** What is wrong with a document: one sentence for each field, by its path of names; '' is the whole. */
export type FieldErrors = Readonly<Record<string, string>>;

/** The box said no, and why. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
  get fields(): FieldErrors {
    return this.problem.fields ?? {};
  }
}

/** The box did not answer. */
export class Unreachable extends Error {}

export interface Answer<T> {
  readonly data: T;
  /** The revision of what was read, for a change of it. */
  readonly etag: string;
}

export interface SendOptions {
  /** The revision that the change is based on. */
  readonly etag?: string;
  /** Called with the part that went out, from 0 to 1. */
  readonly onProgress?: (part: number) => void;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What carries a request; a test has another. */
export type Carry = (method: Method, path: string, body: unknown, options: SendOptions) => Promise<Response>;

export interface Client {
  /** Whether the box answers. */
  readonly up: ReadonlySignal<boolean>;
  /** Grows each time the box is back: what was read before may be old. */
  readonly epoch: ReadonlySignal<number>;
  get<T>(path: string): Promise<Answer<T>>;
  send<T>(method: Method, path: string, body?: unknown, options?: SendOptions): Promise<Answer<T>>;
}

const isProblem = (value: unknown): value is Problem => typeof value === 'object' && value !== null && 'detail' in value && 'code' in value;

/** lost: called when the box says that nobody is signed in. */
export function newClient(carry: Carry, ping: string, lost: () => void, pause: (ms: number) => Promise<void>): Client {
  const up = signal(true);
  const epoch = signal(0);

  const wait = async () => {
    for (let ms = 500; !up.peek(); ms = Math.min(ms * 1.5, 3000)) {
      await pause(ms);
      try {
        const answer = await carry('GET', ping, undefined, {});
        if (answer.status >= 500) continue;
        up.value = true;
        epoch.value += 1;
      } catch {
        // still away
      }
    }
  };
  const down = (): Unreachable => {
    if (up.peek()) {
      up.value = false;
      void wait();
    }
    return new Unreachable('the box does not answer');
  };

  const send = async <T>(method: Method, path: string, body?: unknown, options: SendOptions = {}): Promise<Answer<T>> => {
    const answer = await carry(method, path, body, options).catch(() => {
      throw down();
    });
    const blob = await answer.blob().catch(() => {
      throw down();
    });
    const etag = answer.headers.get('ETag') ?? '';
    if (answer.ok && blob.type !== '' && !/json|^text\/plain/.test(blob.type)) return { data: blob as T, etag };
    const text = await blob.text();
    const data = parse(text);
    if (answer.ok) return { data: data as T, etag };
    if (isProblem(data)) {
      if (data.code === 'restarting') throw down();
      if (data.status === 401 && data.code === 'signed-out') lost();
      throw new Refused(data);
    }
    // Not the service's own words: what stands before it answers while it restarts.
    if (answer.status >= 502) throw down();
    throw new Refused({ title: answer.statusText, status: answer.status, code: 'unknown', detail: text.slice(0, 300) });
  };

  return { up, epoch, send, get: (path) => send('GET', path) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
