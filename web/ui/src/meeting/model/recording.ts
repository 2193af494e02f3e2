// Recording a meeting on this machine. The others are told before the first frame is written.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import { canRecord, record, type Recorder, type RecorderOptions } from '../../rtc/recorder.ts';
import type { Meeting } from './types.ts';

export { canRecord };

export interface Recording {
  readonly state: ReadonlySignal<'off' | 'starting' | 'on' | 'saving'>;
  /** Milliseconds since 1970, 0 while nothing is recorded. */
  readonly since: ReadonlySignal<number>;
  readonly ended: ReadonlySignal<'saved' | 'failed' | null>;
  start(title: string): Promise<void>;
  stop(): Promise<void>;
}

/** What a file may be called everywhere. */
export function fileName(title: string, now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  const name = title.replace(/[\s\p{Cc}\\/:*?"<>|]+/gu, ' ').replace(/^[\s.]+|[\s.]+$/g, '');
  return `${name === '' ? 'Meetbox' : name} ${day} ${two(now.getHours())}-${two(now.getMinutes())}`;
}

export function createRecording(meeting: Meeting, begin: (options: RecorderOptions) => Promise<Recorder | null> = record): Recording {
  const state = signal<'off' | 'starting' | 'on' | 'saving'>('off');
  const since = signal(0);
  const ended = signal<'saved' | 'failed' | null>(null);
  let recorder: Recorder | null = null;

  const shots: RecorderOptions['shots'] = () =>
    meeting.participants.peek().flatMap((p) => [
      ...(p.screen.peek() && p.sharing.peek() ? [{ id: `${p.id} screen`, name: p.name.peek(), stream: p.screen.peek(), screen: true }] : []),
      { id: p.id, name: p.name.peek(), stream: p.camera.peek(), screen: false },
    ]);
  let own: { track: MediaStreamTrack; stream: MediaStream } | null = null;
  const sounds: RecorderOptions['sounds'] = () => {
    const track = meeting.media.sound.peek();
    if (track !== (own?.track ?? null)) own = track ? { track, stream: new MediaStream([track]) } : null;
    return new Map([...meeting.audio.peek().map((a) => [a.id, a.stream] as const), ...(own ? [['me', own.stream] as const] : [])]);
  };

  async function stop(how: 'saved' | 'failed' = 'saved'): Promise<void> {
    const now = recorder;
    if (!now) return;
    recorder = null;
    state.value = 'saving';
    try {
      await now.stop();
      ended.value = how;
    } catch {
      ended.value = 'failed';
    }
    meeting.setRecording(false);
    since.value = 0;
    state.value = 'off';
  }

  return {
    state,
    since,
    ended,
    async start(title) {
      if (state.value !== 'off') return;
      state.value = 'starting';
      ended.value = null;
      try {
        recorder = await begin({
          shots,
          sounds,
          name: fileName(title, new Date()),
          begins: () => meeting.setRecording(true),
          failed: () => void stop('failed'),
        });
      } catch {
        ended.value = 'failed';
      }
      if (recorder) {
        since.value = Date.now();
        state.value = 'on';
        return;
      }
      meeting.setRecording(false);
      state.value = 'off';
    },
    stop: () => stop(),
  };
}
