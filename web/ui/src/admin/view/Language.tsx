import { locale } from '../../i18n/words.ts';
import { SelectField } from '../../kit/Field.tsx';
import { languages, speak, t } from '../words.ts';
import { chooseLanguage } from './chosen.ts';

export function Language() {
  return (
    <SelectField
      label={t('language')}
      value={locale()}
      options={languages.map((l) => ({ value: l.tag, label: l.name }))}
      onChange={(tag) => {
        chooseLanguage(tag);
        speak(tag).catch(() => undefined);
      }}
    />
  );
}
