import { useEffect, useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { announce } from '../../../kit/Live.tsx';

/** The meeting's address, to be read or copied. */
export function CopyLink({ link }: { readonly link: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await navigator.clipboard.writeText(link);
    setCopied(true);
    announce(t('link.copied'));
  };
  return (
    <div class="copy-link">
      <span class="copy-link-text" dir="ltr">{link.replace(/^https:\/\//, '')}</span>
      <Button kind="primary" onClick={() => void copy()}>
        <Icon name={copied ? 'check' : 'copy'} size={18} />
        {copied ? t('link.copied') : t('link.copy')}
      </Button>
    </div>
  );
}
