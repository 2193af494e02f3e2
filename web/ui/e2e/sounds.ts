// What a test's microphone hears. Runs in the page before its scripts.

export type Sound = 'silence' | 'noise' | 'speech';

/**
 * Takes the place of the microphone: nothing at all, a steady rumble as of a fan, or something like words.
 * A rumble is known for noise at once; a hiss only after long, and anew after every gap that a busy machine makes.
 */
export function microphoneOf(sound: Sound): void {
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  const make = (): MediaStreamTrack[] => {
    const context = new AudioContext({ sampleRate: 48_000 });
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    if (sound !== 'silence') {
      const buffer = new AudioBuffer({ length: 96_000, sampleRate: 48_000 });
      const samples = buffer.getChannelData(0);
      let rumble = 0;
      for (let i = 0; i < samples.length; i++) {
        const t = i / 48_000;
        // Words of a second with pauses of a quarter: a voice's harmonics, rising and falling.
        const word = t % 1.25 < 1 ? 0.5 - 0.5 * Math.cos(2 * Math.PI * t * 4) : 0;
        const voice = [1, 2, 3, 4, 5].reduce((sum, n) => sum + Math.sin(2 * Math.PI * 140 * n * t) / n, 0);
        rumble = 0.98 * rumble + Math.random() - 0.5;
        samples[i] = sound === 'noise' ? rumble * 0.06 : voice * 0.3 * word;
      }
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      source.connect(out);
      source.start();
    }
    void context.resume();
    return out.stream.getAudioTracks();
  };
  mediaDevices.getUserMedia = async (wanted) => {
    if (!wanted?.audio) return await real(wanted);
    const stream = wanted.video ? await real({ video: wanted.video }) : new MediaStream();
    for (const track of make()) stream.addTrack(track);
    return stream;
  };
}
