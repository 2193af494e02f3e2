import { Button, IconButton } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { BrandLink } from '../../api.ts';
import { t } from '../../words.ts';

/** As many as the box takes. */
const most = 6;

interface LinksProps {
  readonly value: readonly BrandLink[];
  readonly error: (field: string) => string | undefined;
  readonly onChange: (links: BrandLink[]) => void;
}

/** The links at the foot of the pages. */
export function Links({ value, error, onChange }: LinksProps) {
  const put = (i: number, part: Partial<BrandLink>) => onChange(value.map((link, j) => (j === i ? { ...link, ...part } : link)));
  return (
    <fieldset class="choice">
      <legend class="field-label">{t('branding.links')}</legend>
      <p class="field-hint">{t('branding.links-hint')}</p>
      {value.map((link, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- its place is all that a link is known by
        <div class="branding-link" key={i}>
          <TextField label={t('branding.link-text', { n: i + 1 })} value={link.text} maxLength={60} error={error(`links.${i}.text`)} onInput={(text) => put(i, { text })} />
          <TextField label={t('branding.link-url', { n: i + 1 })} value={link.url} inputMode="url" placeholder="https://" error={error(`links.${i}.url`)} onInput={(url) => put(i, { url: url.trim() })} />
          <IconButton label={t('branding.link-remove', { n: i + 1 })} look="plain" onClick={() => onChange(value.filter((_, j) => j !== i))}>
            <Icon name="close" size={18} />
          </IconButton>
        </div>
      ))}
      {value.length < most ? (
        <div class="buttons">
          <Button onClick={() => onChange([...value, { text: '', url: '' }])}>
            <Icon name="plus" size={18} />
            {t('branding.link-add')}
          </Button>
        </div>
      ) : null}
    </fieldset>
  );
}
