import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Problem } from '../api.ts';
import { type Carry, newClient, Refused, Unreachable } from './client.ts';
import { differences } from './diff.ts';
import { editor } from './editor.ts';
import { strength } from './password.ts';
import { answerOf } from './provider.ts';
import { resource } from './resource.ts';
import { roomName } from './seats.ts';

test.each([
  ['monday%20stand-up', 'monday stand-up'],
  ['b%c3%bcro', 'büro'],
  ['100%', '100%'],
  ['quay', 'quay'],
  ['[acme]quay', 'acme/quay'],
  ['[b%c3%bcro]stand%20up', 'büro/stand up'],
  ['[quay]', '[quay]'],
])('the room %s is called %s', (node, name) => {
  expect(roomName(node)).toBe(name);
});

/** A box with one document, as the real one keeps it. */
class FakeBox {
  value: Record<string, unknown> = { zone: 'Europe/Berlin', servers: ['192.0.2.1'] };
  revision = 1;
  away = false;
  signedOut = false;
  requests: string[] = [];

  readonly carry: Carry = async (method, path, body, { etag }) => {
    this.requests.push(`${method} ${path}`);
    if (this.away) throw new TypeError('network');
    if (this.signedOut) return problem({ status: 401, code: 'signed-out', detail: 'Sign in.' });
    if (method === 'GET') return this.#answer();
    if (etag !== `"${this.revision}"`) {
      return problem({
        status: 412,
        code: 'conflict',
        detail: 'Changed meanwhile.',
        conflict: { number: this.revision, section: 'clock', at: '2030-01-01T00:00:00Z', who: 'Workshop', from: '192.0.2.9' },
      });
    }
    const value = body as Record<string, unknown>;
    if (value['zone'] === '') return problem({ status: 422, code: 'invalid', detail: 'zone: Choose one.', fields: { zone: 'Choose one.' } });
    this.change(value);
    return this.#answer();
  };

  change(value: Record<string, unknown>): void {
    this.value = value;
    this.revision += 1;
  }

  #answer(): Response {
    return new Response(JSON.stringify(this.value), { headers: { ETag: `"${this.revision}"` } });
  }
}

function problem(p: Omit<Problem, 'title'>): Response {
  return new Response(JSON.stringify({ title: '', ...p }), { status: p.status });
}

function start() {
  const box = new FakeBox();
  const lost: true[] = [];
  let resume: () => void = () => undefined;
  const client = newClient(
    box.carry,
    '/ping',
    () => lost.push(true),
    () =>
      new Promise((resolve) => {
        resume = resolve;
      }),
  );
  const tick = async () => {
    resume();
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return { box, client, lost, tick };
}

describe('a section under change', () => {
  test('is saved with the revision that was read', async () => {
    const { box, client } = start();
    const clock = editor<Record<string, unknown>>(client, '/clock');
    await clock.load();
    clock.change({ zone: 'UTC' });
    expect(clock.dirty.value).toBe(true);
    expect(await clock.save()).toBe(true);
    expect(box.value['zone']).toBe('UTC');
    expect(clock.dirty.value).toBe(false);
  });

  test('keeps what was typed when the box refuses it, and says where', async () => {
    const { client } = start();
    const clock = editor<Record<string, unknown>>(client, '/clock');
    await clock.load();
    clock.change({ zone: '' });
    expect(await clock.save()).toBe(false);
    expect(clock.draft.value?.['zone']).toBe('');
    expect(clock.fields.value).toEqual({ zone: 'Choose one.' });
    clock.change({ zone: 'U' });
    expect(clock.fields.value, 'a changed field is not wrong any more').toEqual({});
  });

  test('somebody was faster: both versions are there, and either can win', async () => {
    for (const mine of [true, false]) {
      const { box, client } = start();
      const clock = editor<Record<string, unknown>>(client, '/clock');
      await clock.load();
      clock.change({ zone: 'UTC' });
      box.change({ zone: 'Asia/Tokyo', servers: [] });
      expect(await clock.save()).toBe(false);
      expect(clock.conflict.value?.by?.who).toBe('Workshop');
      expect(clock.conflict.value?.fields.map((f) => f.path)).toEqual(['zone', 'servers.0']);
      clock.decideLater();
      expect(await clock.save(), 'saving asks again').toBe(false);
      expect(clock.draft.value?.['zone']).toBe('UTC');
      if (mine) await clock.keepMine();
      else clock.takeTheirs();
      expect(clock.conflict.value).toBeNull();
      expect([box.value['zone'], clock.draft.value?.['zone']]).toEqual(mine ? ['UTC', 'UTC'] : ['Asia/Tokyo', 'Asia/Tokyo']);
    }
  });

  test('a box that is away takes nothing from the form', async () => {
    const { box, client, tick } = start();
    const clock = editor<Record<string, unknown>>(client, '/clock');
    await clock.load();
    clock.change({ zone: 'UTC' });
    box.away = true;
    expect(await clock.save()).toBe(false);
    expect(client.up.value).toBe(false);
    expect(clock.draft.value?.['zone']).toBe('UTC');
    box.away = false;
    await tick();
    expect(client.up.value).toBe(true);
    await clock.load();
    expect(clock.draft.value?.['zone'], 'reading again leaves a draft alone').toBe('UTC');
    expect(await clock.save()).toBe(true);
  });
});

describe('requests', () => {
  test('what is looked at is read again when the box is back', async () => {
    const { box, client, tick } = start();
    const clock = resource<Record<string, unknown>>(client, '/clock');
    const close = clock.open();
    await tick();
    expect(clock.data.value?.['zone']).toBe('Europe/Berlin');
    box.away = true;
    await expect(client.get('/x')).rejects.toBeInstanceOf(Unreachable);
    box.change({ zone: 'UTC' });
    await tick();
    expect(clock.data.value?.['zone'], 'what was known stays').toBe('Europe/Berlin');
    box.away = false;
    await tick();
    expect(clock.data.value?.['zone']).toBe('UTC');
    close();
  });

  test('nobody is signed in any more', async () => {
    const { box, client, lost } = start();
    box.signedOut = true;
    await expect(client.get('/x')).rejects.toBeInstanceOf(Refused);
    expect(lost).toEqual([true]);
  });

  test.each([
    ['a page in place of an answer', new Response('<h1>Bad gateway</h1>', { status: 502 })],
    ['the door’s own word for it', problem({ status: 503, code: 'restarting', detail: 'Wait.' })],
  ])('a box that restarts: %s', async (_, answer) => {
    const client = newClient(() => Promise.resolve(answer), '/ping', () => undefined, () => new Promise(() => undefined));
    await expect(client.get('/x')).rejects.toBeInstanceOf(Unreachable);
    expect(client.up.value).toBe(false);
  });
});

test('a password is good by its length', () => {
  expect(['short', 'aaaaaaaaaaaaaaaa', 'ten chars!', 'twelve chars', 'a sentence of five words'].map(strength)).toEqual([0, 0, 1, 2, 3]);
});

test('documents differ where they differ', () => {
  expect(differences({ a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 3] }, d: null })).toEqual([
    { path: 'b.c.1', before: 2, after: 3 },
    { path: 'd', before: undefined, after: null },
  ]);
  fc.assert(fc.property(fc.jsonValue(), (value) => differences(value, structuredClone(value)).length === 0));
});

test.each([
  ['/signed-in', '?state=s&code=c', { state: 's', code: 'c' }],
  ['/signed-in', '?state=s&error=access_denied', { state: 's', error: 'access_denied' }],
  ['/signed-in', '?code=c', null],
  ['/', '?state=s&code=c', null],
])('the way back from a provider: %s%s', (pathname, search, want) => {
  expect(answerOf({ pathname, search })).toEqual(want);
});
