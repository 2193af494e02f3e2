import { type Key, t } from '../../../i18n/i18n.ts';
import { Dialog } from '../../../kit/Dialog.tsx';

const keys: readonly (readonly [string, Key])[] = [
  ['M', 'keys.microphone'],
  ['V', 'keys.camera'],
  ['␣', 'keys.talk'],
  ['D', 'toolbar.share'],
  ['R', 'toolbar.hand'],
  ['C', 'toolbar.chat'],
  ['P', 'people.title'],
  ['W', 'keys.view'],
  ['0', 'keys.pin-self'],
  ['1–9', 'keys.pin'],
  ['S', 'keys.full-screen'],
  ['?', 'keys.title'],
];

/** What the keys do. */
export function HelpDialog({ close }: { readonly close: () => void }) {
  return (
    <Dialog title={t('keys.title')} closeLabel={t('dialog.close')} onClose={close}>
      <dl class="keys">
        {keys.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key === '␣' ? t('keys.space') : key}</kbd>
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
