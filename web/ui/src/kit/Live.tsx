import { signal } from '@preact/signals';

const spoken = signal<readonly { readonly id: number; readonly text: string }[]>([]);
let last = 0;

/** Has a screen reader say something when it has finished its sentence. */
export function announce(text: string): void {
  last += 1;
  // A few stay, so that two announcements at once are both read.
  spoken.value = [...spoken.value.slice(-4), { id: last, text }];
}

/** The region that is read aloud. It must be in the page before anything is announced. */
export function LiveRegion() {
  return (
    <div class="sr-only" role="log" aria-live="polite" aria-relevant="additions">
      {spoken.value.map((line) => (
        <p key={line.id}>{line.text}</p>
      ))}
    </div>
  );
}
