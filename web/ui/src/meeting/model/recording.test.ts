import { beforeAll, expect, test, vi } from 'vitest';
import { FakeStream, setUp } from '../../../test/meeting.ts';
import type { RecorderOptions } from '../../rtc/recorder.ts';
import { createRecording, fileName } from './recording.ts';

beforeAll(() => {
  vi.stubGlobal('MediaStream', FakeStream);
});

/** A recording whose recorder is under the test's control. */
function start() {
  const { meeting } = setUp();
  const began: RecorderOptions[] = [];
  let stopped = 0;
  let answer: 'file' | 'none' | 'broken' = 'file';
  const recording = createRecording(meeting, async (options) => {
    began.push(options);
    if (answer !== 'none') options.begins();
    if (answer === 'broken') throw new Error('no disk');
    return answer === 'none' ? null : { stop: async () => void stopped++ };
  });
  return { meeting, recording, began, stopped: () => stopped, say: (a: typeof answer) => (answer = a) };
}

test('the others are told while it is recorded', async () => {
  const { meeting, recording, began, stopped } = start();
  await recording.start('Weekly');
  expect([recording.state.value, meeting.me.recording.value, began.length]).toEqual(['on', true, 1]);
  expect(began[0]?.name).toMatch(/^Weekly \d{4}-\d\d-\d\d \d\d-\d\d$/);
  await recording.start('Weekly');
  expect(began).toHaveLength(1);
  await recording.stop();
  expect([recording.state.value, meeting.me.recording.value, recording.ended.value, stopped()]).toEqual(['off', false, 'saved', 1]);
});

test('who chooses no file records nothing, and nobody is told any longer', async () => {
  const { meeting, recording, say } = start();
  say('none');
  await recording.start('x');
  expect([recording.state.value, meeting.me.recording.value, recording.ended.value]).toEqual(['off', false, null]);
});

test('a full disk ends it, and is told', async () => {
  const { meeting, recording, began, stopped, say } = start();
  await recording.start('x');
  began[0]?.failed();
  await vi.waitFor(() => expect(recording.state.value).toBe('off'));
  expect([meeting.me.recording.value, recording.ended.value, stopped()]).toEqual([false, 'failed', 1]);
  say('broken');
  await recording.start('x');
  expect([recording.state.value, recording.ended.value]).toEqual(['off', 'failed']);
});

test('what is recorded is what there is at the time', async () => {
  const { meeting, recording, began } = start();
  await recording.start('x');
  expect(began[0]?.shots()).toEqual([{ id: 'me', name: '', stream: null, screen: false }]);
  expect(began[0]?.sounds().size).toBe(0);
  await meeting.setMicrophone(true);
  expect([...(began[0]?.sounds().keys() ?? [])]).toEqual(['me']);
  const same = began[0]?.sounds().get('me');
  expect(began[0]?.sounds().get('me')).toBe(same);
});

test.each([
  ['Weekly review', 'Weekly review'],
  ['a/b: "c"?', 'a b c'],
  ['..', 'Meetbox'],
  ['', 'Meetbox'],
])('%s is a file', (title, name) => {
  expect(fileName(title, new Date(2026, 0, 2, 3, 4))).toBe(`${name} 2026-01-02 03-04`);
});
