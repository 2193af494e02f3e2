import { useState } from 'preact/hooks';
import { SelectField } from '../../kit/Field.tsx';
import { Tool } from '../../kit/tools.tsx';
import { fileFor, steps, type System, systemOf, systems } from '../model/device.ts';
import { t } from '../words.ts';
import './trust.css';

interface TrustStepsProps {
  /** The plain origin that has the files; '' for this page's own. */
  readonly from: string;
}

/** The right file for this device and what to do with it there. */
export function TrustSteps({ from }: TrustStepsProps) {
  const [system, setSystem] = useState<System>(() => systemOf(navigator.userAgent, navigator.maxTouchPoints));
  const file = fileFor(system);
  return (
    <div class="trust-steps">
      <SelectField label={t('device')} value={system} options={systems.map((s) => ({ value: s, label: t(`system.${s}`) }))} onChange={(s) => setSystem(s as System)} />
      <a class="button button-primary button-large" href={from + file}>
        <Tool name="download" size={20} />
        {file.endsWith('.crt') ? t('get') : t('get-profile')}
      </a>
      <ol class="trust-list">
        {Array.from({ length: steps[system] }, (_, i) => (
          <li key={`${system}-${i}`}>{t(`step.${system}.${i + 1}` as 'step.ios.1')}</li>
        ))}
      </ol>
      {system === 'mac' ? <p class="field-hint">{t('mac-hint')}</p> : null}
    </div>
  );
}
