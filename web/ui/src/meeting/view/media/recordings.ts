import { createRecording, type Recording } from '../../model/recording.ts';
import type { Meeting } from '../../model/types.ts';

const recordings = new WeakMap<Meeting, Recording>();

/** The one recording of a meeting; menu, dialog and banner speak of the same. */
export function recordingOf(meeting: Meeting): Recording {
  let recording = recordings.get(meeting);
  if (!recording) {
    recording = createRecording(meeting);
    recordings.set(meeting, recording);
  }
  return recording;
}
