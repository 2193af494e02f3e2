import type { ReadonlySignal } from '@preact/signals-core';
import { type Key, t } from '../../../i18n/i18n.ts';
import { SelectField } from '../../../kit/Field.tsx';
import { Icon, type IconName } from '../../../kit/icons.tsx';
import { Meter } from '../../../kit/Person.tsx';
import type { Device, LocalMedia, MediaKind } from '../../model/types.ts';
import './devices.css';

const kinds = {
  microphone: { label: 'devices.microphone', icon: 'mic' },
  camera: { label: 'devices.camera', icon: 'camera' },
  speaker: { label: 'devices.speaker', icon: 'speaker' },
} as const satisfies Record<MediaKind, { label: Key; icon: IconName }>;

interface DevicesProps {
  readonly media: LocalMedia;
  readonly choose: (kind: MediaKind, id: string) => void;
}

/** Microphone with its level, camera and, where the browser lets a page choose, speaker. */
export function Devices({ media, choose }: DevicesProps) {
  return (
    <div class="devices">
      <div class="devices-microphone">
        <Choice kind="microphone" denied={media.microphone.problem.value === 'denied'} devices={media.microphone.devices} chosen={media.microphone.chosen} choose={choose} />
        <Meter level={media.level} />
      </div>
      <Choice kind="camera" denied={media.camera.problem.value === 'denied'} devices={media.camera.devices} chosen={media.camera.chosen} choose={choose} />
      {media.speakers.value.length > 0 ? <Choice kind="speaker" devices={media.speakers} chosen={media.speaker} choose={choose} /> : null}
    </div>
  );
}

interface ChoiceProps {
  readonly kind: MediaKind;
  readonly denied?: boolean;
  readonly devices: ReadonlySignal<readonly Device[]>;
  readonly chosen: ReadonlySignal<string>;
  readonly choose: (kind: MediaKind, id: string) => void;
}

function Choice({ kind, denied, devices, chosen, choose }: ChoiceProps) {
  const named = devices.value.filter((d) => d.id !== '');
  const options = named.map((d, i) => ({ value: d.id, label: d.label || t('devices.numbered', { kind: t(kinds[kind].label), n: i + 1 }) }));
  // '' is the system's default; it is a choice of its own unless the browser lists it.
  if (!named.some((d) => d.id === 'default' || d.id === chosen.value)) {
    const none = denied ? t('devices.denied') : t('devices.none');
    options.unshift({ value: '', label: named.length === 0 ? none : t('devices.default') });
  }
  const value = options.some((o) => o.value === chosen.value) ? chosen.value : (options[0]?.value ?? '');
  return (
    <SelectField
      label={t(kinds[kind].label)}
      icon={<Icon name={kinds[kind].icon} size={16} />}
      value={value}
      options={options}
      disabled={named.length === 0}
      onChange={(id) => choose(kind, id)}
    />
  );
}
