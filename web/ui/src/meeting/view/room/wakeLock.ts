import { useEffect } from 'preact/hooks';

/** Keeps a phone's screen on while the meeting is seen. Phones that save their battery may refuse. */
export function useWakeLock(): void {
  useEffect(() => {
    if (!('wakeLock' in navigator)) return undefined;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = async () => {
      if (document.visibilityState !== 'visible') return; // the system has taken the last one away
      try {
        lock = await navigator.wakeLock.request('screen');
        if (over) await lock.release();
      } catch {
        lock = null;
      }
    };
    const onChange = () => void take();
    document.addEventListener('visibilitychange', onChange);
    void take();
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', onChange);
      void lock?.release();
    };
  }, []);
}
