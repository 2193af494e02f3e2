// The console as a whole: whether the box has an owner, and who is signed in here.

import { type ReadonlySignal, signal } from '@preact/signals-core';
import type { Claim, Claimed, OIDCAnswer, OIDCBegin, Recover, Role, Session, Setup, SignIn } from '../api.ts';
import { type Carry, type Client, newClient, Refused, Unreachable } from './client.ts';

export interface Console {
  readonly client: Client;
  /** null until the box answered for the first time. */
  readonly setup: ReadonlySignal<Setup | null>;
  /** How far this browser's clock is before the box's, in milliseconds. */
  readonly skew: ReadonlySignal<number>;
  /** undefined until it is known. */
  readonly session: ReadonlySignal<Session | null | undefined>;
  start(): Promise<void>;
  claim(claim: Claim): Promise<readonly string[]>;
  signIn(who: SignIn): Promise<void>;
  recover(how: Recover): Promise<void>;
  /** Where to go to sign in with the provider of OpenID Connect. */
  provider(): Promise<string>;
  /** What the provider gave; null when nobody came from there. */
  readonly back: ReadonlySignal<OIDCAnswer | null>;
  /** Signs in with it. It counts once. */
  fromProvider(answer: OIDCAnswer): Promise<void>;
  signOut(): Promise<void>;
  may(role: Role): boolean;
}

const ranks: readonly Role[] = ['nobody', 'viewer', 'auditor', 'operator', 'admin', 'owner'];

/** Whether a role suffices where need is asked for, as the box sees it. */
export function suffices(role: Role, need: Role): boolean {
  if (need === 'auditor') return role === 'auditor' || ranks.indexOf(role) >= ranks.indexOf('admin');
  if (role === 'auditor') return ranks.indexOf(need) <= ranks.indexOf('viewer');
  return ranks.indexOf(role) >= ranks.indexOf(need);
}

export function openConsole(carry: Carry, pause: (ms: number) => Promise<void>, now: () => number, from: OIDCAnswer | null = null): Console {
  const setup = signal<Setup | null>(null);
  const skew = signal(0);
  const session = signal<Session | null | undefined>(undefined);
  const back = signal(from);
  const client = newClient(
    carry,
    '/api/v1/setup',
    () => {
      session.value = null;
    },
    pause,
  );

  const readSession = async () => {
    try {
      session.value = (await client.get<Session>('/api/v1/session')).data;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      session.value = null;
    }
  };
  const read = async () => {
    const asked = now();
    const { data } = await client.get<Setup>('/api/v1/setup');
    skew.value = (asked + now()) / 2 - Date.parse(data.now);
    if (data.claimed) await readSession();
    else session.value = null;
    setup.value = data;
  };
  return {
    client,
    setup,
    skew,
    session,
    start: async () => {
      for (;;) {
        try {
          await read();
          return;
        } catch (error) {
          if (!(error instanceof Unreachable)) throw error;
          await pause(1000);
        }
      }
    },
    claim: async (claim) => {
      const { data } = await client.send<Claimed>('POST', '/api/v1/claim', claim);
      session.value = data.session;
      const before = setup.peek();
      if (before) setup.value = { ...before, claimed: true };
      return data.recovery;
    },
    signIn: async (who) => {
      session.value = (await client.send<Session>('POST', '/api/v1/session', who)).data;
    },
    recover: async (how) => {
      session.value = (await client.send<Session>('POST', '/api/v1/session/recover', how)).data;
    },
    back,
    provider: async () => (await client.send<OIDCBegin>('POST', '/api/v1/session/oidc/begin')).data.url,
    fromProvider: async (answer) => {
      back.value = null;
      session.value = (await client.send<Session>('POST', '/api/v1/session/oidc', answer)).data;
    },
    signOut: async () => {
      await client.send('DELETE', '/api/v1/session');
      session.value = null;
    },
    may: (need) => suffices(session.value?.role ?? 'nobody', need),
  };
}
