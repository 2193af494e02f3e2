const gestures = ['pointerdown', 'keydown'] as const;

/**
 * Keeps an audio context going: it starts at once, or at the next touch or key where the page may not
 * do so by itself.
 * COMPAT(safari): a phone call or another app interrupts it; it has to be started again afterwards.
 */
export function running(context: AudioContext): void {
  const go = () => void context.resume().catch(() => undefined);
  const look = () => {
    const stands = context.state !== 'running' && context.state !== 'closed';
    for (const gesture of gestures) {
      if (stands) document.addEventListener(gesture, go, { capture: true });
      else document.removeEventListener(gesture, go, { capture: true });
    }
    if (stands) go();
  };
  context.addEventListener('statechange', look);
  look();
}
