const gestures = ['pointerdown', 'keydown'] as const;

/** Starts an audio context, at the next touch or key where the page may not do so by itself yet. */
export function running(context: AudioContext): void {
  const go = () => void context.resume().catch(() => undefined);
  const look = () => {
    if (context.state === 'suspended') return;
    for (const gesture of gestures) document.removeEventListener(gesture, go, true);
    context.removeEventListener('statechange', look);
  };
  for (const gesture of gestures) document.addEventListener(gesture, go, true);
  context.addEventListener('statechange', look);
  go();
  look();
}
