import { useState } from 'preact/hooks';
import { loadBrand } from '../../../kit/brandLoad.ts';
import { product } from '../../../kit/brand.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { FileField, TextArea } from '../../../kit/Fields.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { Branding } from '../../api.ts';
import type { Editor } from '../../model/editor.ts';
import { logoOf, pictureKinds } from '../../model/picture.ts';
import { t } from '../../words.ts';
import { SectionForm } from '../Section.tsx';
import { Page, useEditor } from '../use.tsx';
import { Links } from './Links.tsx';
import './branding.css';

/** Where a new box's colour begins, when one is picked. */
const green = '#0a7d5c';

/** How the box presents itself to everybody who opens its pages. */
export function BrandingPage() {
  const section = useEditor<Branding>('/api/v1/settings/branding');
  return (
    <Page title={t('nav.page.branding')} lead={t('branding.lead')}>
      <Card title={t('branding.title')}>
        <SectionForm of={section} saved={() => void loadBrand()}>
          {(draft, error) => (
            <>
              <TextField label={t('branding.name')} value={draft.name ?? ''} placeholder={product} maxLength={40} error={error('name')} onInput={(name) => section.change({ name })} />
              <TextArea prose label={t('branding.welcome')} hint={t('branding.welcome-hint')} rows={3} value={draft.welcome ?? ''} error={error('welcome')} onInput={(welcome) => section.change({ welcome })} />
              <Colour value={draft.accent ?? ''} error={error('accent')} onChange={(accent) => section.change({ accent })} />
              <Picture section={section} value={draft.logo ?? ''} error={error('logo')} />
              <Links value={draft.links ?? []} error={error} onChange={(links) => section.change({ links })} />
            </>
          )}
        </SectionForm>
      </Card>
    </Page>
  );
}

interface ColourProps {
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: (value: string) => void;
}

function Colour({ value, error, onChange }: ColourProps) {
  return (
    <div class="branding-colour">
      <TextField label={t('branding.accent')} hint={t('branding.accent-hint')} value={value} placeholder={green} maxLength={7} mono error={error} onInput={(v) => onChange(v.trim())} />
      <input type="color" aria-label={t('branding.pick')} value={/^#[0-9a-f]{6}$/i.test(value) ? value : green} onInput={(event) => onChange(event.currentTarget.value)} />
    </div>
  );
}

interface PictureProps {
  readonly section: Editor<Branding>;
  readonly value: string;
  readonly error: string | undefined;
}

function Picture({ section, value, error }: PictureProps) {
  const [file, setFile] = useState<File | null>(null);
  const [bad, setBad] = useState(false);
  const choose = async (next: File | null) => {
    setFile(next);
    setBad(false);
    if (!next) return;
    try {
      section.change({ logo: await logoOf(next) });
    } catch {
      setBad(true);
    }
  };
  return (
    <div class="stack">
      <FileField
        label={t('branding.logo')}
        choose={t('branding.logo-choose')}
        none={t('branding.logo-none')}
        accept={pictureKinds.join(',')}
        file={file}
        error={bad ? t('branding.logo-bad') : error}
        onFile={(next) => void choose(next)}
      />
      {value === '' ? null : (
        <div class="branding-logo">
          {/* What is inside is what the box sniffs, too. */}
          <img class="brand-picture" src={`data:${value.startsWith('/9j/') ? 'image/jpeg' : 'image/png'};base64,${value}`} alt={t('branding.logo-now')} />
          <Button
            onClick={() => {
              setFile(null);
              section.change({ logo: '' });
            }}
          >
            <Icon name="close" size={18} />
            {t('branding.logo-remove')}
          </Button>
        </div>
      )}
    </div>
  );
}
