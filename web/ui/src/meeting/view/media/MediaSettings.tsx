import { tm } from '../../../i18n/media.ts';
import { SelectField, SwitchField } from '../../../kit/Field.tsx';
import type { LocalMedia } from '../../model/types.ts';

const heights = [360, 720, 1080];

/** Settings of picture and sound that few people look for. */
export function MediaSettings({ media }: { readonly media: LocalMedia }) {
  const now = media.resolution.value;
  return (
    <>
      <SwitchField
        label={tm('settings.only-voice')}
        hint={tm('settings.only-voice-hint')}
        on={media.onlyVoice.value}
        onChange={(on) => void media.setProcessing('onlyVoice', on)}
      />
      <SelectField
        label={tm('settings.resolution')}
        value={String(now)}
        options={[...new Set([...heights, now])].toSorted((a, b) => a - b).map((n) => ({ value: String(n), label: tm('settings.lines', { n }) }))}
        onChange={(n) => void media.setResolution(Number(n))}
      />
    </>
  );
}
