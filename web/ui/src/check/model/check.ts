// The whole of /check: in which order the probes are tried, and the report that is sent to the administrator.

import { batch, computed, signal, type ReadonlySignal } from '@preact/signals-core';
import { checkBrowser } from './browser.ts';
import { askBox, checkBosh, checkClock, checkName, checkPage, checkSocket, checkStun, checkTrust, checkTurn, type Box } from './network.ts';
import { probe, probeNames, verdict, type Probe, type ProbeName, type Result, type Verdict } from './probe.ts';

export type State = 'idle' | 'running' | 'done';
export type Sending = 'idle' | 'sending' | 'sent' | 'refused' | 'failed';

export interface Check {
  readonly probes: readonly Probe[];
  readonly state: ReadonlySignal<State>;
  readonly verdict: ReadonlySignal<Verdict | null>;
  /** The microphone's loudness while it is tried, 0 to 1. */
  readonly level: ReadonlySignal<number>;
  /** What the person is asked to do now. */
  readonly asking: ReadonlySignal<'' | 'speak'>;
  readonly sending: ReadonlySignal<Sending>;
  /** Of the report that was sent, to tell the administrator. */
  readonly number: ReadonlySignal<string>;
  run(devices: boolean): Promise<void>;
  send(name: string, note: string): Promise<void>;
}

/** What it means when a probe itself breaks. */
const failed: Readonly<Record<ProbeName, Result>> = {
  https: { outcome: 'bad', code: 'H09' },
  trust: { outcome: 'skipped', code: 'T05' },
  clock: { outcome: 'skipped', code: 'C05' },
  name: { outcome: 'warn', code: 'N02', values: { name: '' } },
  socket: { outcome: 'warn', code: 'W01' },
  bosh: { outcome: 'bad', code: 'B02' },
  stun: { outcome: 'warn', code: 'S01' },
  turn: { outcome: 'warn', code: 'R01' },
  call: { outcome: 'bad', code: 'K09' },
  channel: { outcome: 'skipped', code: 'D05' },
  media: { outcome: 'skipped', code: 'M05' },
  camera: { outcome: 'warn', code: 'V03' },
  microphone: { outcome: 'warn', code: 'A03' },
  speaker: { outcome: 'skipped', code: 'P05' },
  browser: { outcome: 'bad', code: 'X09', values: { name: '?' } },
};

/** What it means for the others when the box told nothing of itself. */
const unanswered = {
  name: { outcome: 'skipped', code: 'N05' },
  socket: { outcome: 'skipped', code: 'W05' },
  bosh: { outcome: 'skipped', code: 'B05' },
  stun: { outcome: 'skipped', code: 'S05' },
  turn: { outcome: 'skipped', code: 'R05' },
  call: { outcome: 'bad', code: 'K08' },
  channel: failed.channel,
  media: failed.media,
} as const satisfies Partial<Record<ProbeName, Result>>;

function xmppDomain(): string {
  const hosts = (window.config as { hosts?: { domain?: unknown } } | undefined)?.hosts;
  return typeof hosts?.domain === 'string' ? hosts.domain : 'meet.jitsi';
}

export function createCheck(): Check {
  const all = Object.fromEntries(probeNames.map((name) => [name, probe(name, failed[name])])) as Record<ProbeName, Probe>;
  const probes = probeNames.map((name) => all[name]);
  const state = signal<State>('idle');
  const level = signal(0);
  const asking = signal<'' | 'speak'>('');
  const sending = signal<Sending>('idle');
  const number = signal('');

  /** Without WebRTC there is nothing to try it with; the browser's own line says so. */
  const able = () => all.browser.result.peek()?.outcome !== 'bad';

  async function network(): Promise<Box | null> {
    await all.https.run(() => Promise.resolve(checkPage()));
    await all.browser.run(checkBrowser);
    let found: Awaited<ReturnType<typeof askBox>> | null = null;
    await all.clock.run(async () => {
      found = await askBox();
      return checkClock(found.skew);
    });
    const { box } = (found as { box: Box } | null) ?? { box: null };
    all.name.set(box ? checkName(location.hostname, box.names) : unanswered.name);
    await all.trust.run(checkTrust);
    const socket = await all.socket.run(() => checkSocket(xmppDomain()));
    const bosh = await all.bosh.run(() => checkBosh(xmppDomain(), socket));
    // Of a box that says nothing at all no proxy is to blame.
    if (!box && bosh?.outcome === 'bad') for (const name of ['socket', 'bosh'] as const) all[name].set(unanswered[name]);
    if (box && able()) await Promise.all([all.stun.run(() => checkStun(box)), all.turn.run(() => checkTurn(box))]);
    return box;
  }

  async function call(box: Box): Promise<void> {
    await all.call.run(async () => {
      const { tryCall } = await import('./call.ts');
      const got = await tryCall(box);
      all.channel.set(got.channel);
      all.media.set(got.media);
      return got.call;
    });
    if (all.media.result.peek() === null) {
      all.channel.set(failed.channel);
      all.media.set(failed.media);
    }
  }

  async function devices({ checkCamera, checkSound }: typeof import('./devices.ts')): Promise<void> {
    await all.camera.run(checkCamera);
    await all.microphone.run(async () => {
      asking.value = 'speak';
      try {
        const heard = await checkSound((v) => {
          level.value = v;
        });
        all.speaker.set(heard.speaker);
        return heard.microphone;
      } finally {
        asking.value = '';
      }
    });
    if (all.speaker.result.peek() === null) all.speaker.set(failed.speaker);
  }

  return {
    probes,
    state,
    level,
    asking,
    sending,
    number,
    verdict: computed(() => (state.value === 'done' ? verdict(probes.map((p) => p.result.value)) : null)),
    run: async (withDevices) => {
      if (state.peek() === 'running') return;
      batch(() => {
        state.value = 'running';
        sending.value = 'idle';
        for (const p of probes) p.clear();
      });
      try {
        const box = await network();
        if (!able()) for (const name of ['channel', 'media'] as const) all[name].set(failed[name]);
        else if (box) await call(box);
        else for (const name of ['stun', 'turn', 'call', 'channel', 'media'] as const) all[name].set(unanswered[name]);
        // A box that is gone meanwhile does not give it.
        const parts = withDevices ? await import('./devices.ts').catch(() => null) : null;
        if (parts) await devices(parts);
        else {
          all.camera.set({ outcome: 'skipped', code: 'V05' });
          all.microphone.set({ outcome: 'skipped', code: 'A05' });
          all.speaker.set({ outcome: 'skipped', code: 'P05' });
        }
      } finally {
        state.value = 'done';
      }
    },
    send: async (name, note) => {
      sending.value = 'sending';
      const results = probes.flatMap((p) => {
        const r = p.result.peek();
        return r ? [{ name: p.name, state: r.outcome, code: r.code, detail: clean(r.detail ?? '', 300) }] : [];
      });
      const report = {
        code: verdict(probes.map((p) => p.result.peek())).code,
        name: clean(name, 100),
        note: clean(note, 1000, true),
        address: location.origin.slice(0, 300),
        browser: clean(navigator.userAgent, 400),
        probes: results,
      };
      try {
        const answer = await fetch('/check/report', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(report) });
        if (answer.ok) number.value = ((await answer.json()) as { id: string }).id;
        sending.value = answer.ok ? 'sent' : answer.status === 429 ? 'refused' : 'failed';
      } catch {
        sending.value = 'failed';
      }
    },
  };
}

/** Without what the box does not take. */
function clean(text: string, most: number, lines = false): string {
  const kept = [...text].filter((c) => !/\p{Cc}/u.test(c) || (lines && c === '\n'));
  return kept.slice(0, most).join('');
}
