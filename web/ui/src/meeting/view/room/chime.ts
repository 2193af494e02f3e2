const hello = [523.25, 783.99];

/** Plays notes (Hz) on a speaker, one after the other; '' is the system's. */
export async function chime(speaker: string, notes: readonly number[] = hello): Promise<void> {
  const context = new AudioContext();
  try {
    const out = new MediaStreamAudioDestinationNode(context);
    const begin = context.currentTime;
    for (const [i, frequency] of notes.entries()) {
      const note = new OscillatorNode(context, { frequency });
      const volume = new GainNode(context, { gain: 0 });
      const at = begin + i * 0.35;
      volume.gain.setTargetAtTime(0.25, at, 0.02);
      volume.gain.setTargetAtTime(0, at + 0.3, 0.08);
      note.connect(volume).connect(out);
      note.start(at);
      note.stop(at + 0.9);
    }
    const audio = new Audio();
    audio.srcObject = out.stream;
    // One that was unplugged since: the default one is heard.
    if ('setSinkId' in audio) await audio.setSinkId(speaker).catch(() => undefined);
    await audio.play();
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    audio.srcObject = null;
  } finally {
    await context.close();
  }
}
