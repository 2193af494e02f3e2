import type { Treated } from '../input.ts';
import { running } from './running.ts';

/** One track of several sounds. */
export async function mix(tracks: readonly MediaStreamTrack[]): Promise<Treated> {
  const context = new AudioContext();
  const out = new MediaStreamAudioDestinationNode(context, { channelCount: 2 });
  for (const track of tracks) context.createMediaStreamSource(new MediaStream([track])).connect(out);
  running(context);
  const [track] = out.stream.getAudioTracks();
  if (!track) throw new Error('mixing sounds: no track came out');
  return {
    track,
    stop() {
      track.stop();
      void context.close().catch(() => undefined);
    },
  };
}
