import { locale } from '../../i18n/words.ts';
import type { Action } from '../model/action.ts';
import { useAction, useBox } from './use.tsx';

/** A length of time in the unit that suits it. */
export function difference(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const size = Math.abs(ms);
  const [unit, length] = units.find(([, l]) => size >= l) ?? (['millisecond', 1] as const);
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 }).format(size / length);
}

/** This browser's clock beside the box's. */
export function useBrowserClock(): { readonly skew: number; readonly act: Action; readonly set: () => Promise<boolean> } {
  const box = useBox();
  const act = useAction();
  return {
    skew: box.skew.value,
    act,
    set: () =>
      act.run(async () => {
        await box.client.send('POST', '/api/v1/clock/set', { now: new Date().toISOString() });
        await box.start();
      }),
  };
}
