import { useId } from 'preact/hooks';
import { tm } from '../../../i18n/media.ts';
import type { LocalMedia } from '../../model/types.ts';
import './media.css';

/** Whether letters or moving pictures are shared; a switch of two halves. */
export function ShareKind({ media }: { readonly media: LocalMedia }) {
  const name = useId();
  return (
    <fieldset class="share-kind">
      <legend class="sr-only">{tm('share.kind')}</legend>
      {(['text', 'motion'] as const).map((kind) => (
        <label key={kind} title={tm(`share.${kind}-hint`)}>
          <input type="radio" name={name} checked={media.sharing.value === kind} onChange={() => void media.setSharing(kind)} />
          <span>{tm(`share.${kind}`)}</span>
        </label>
      ))}
    </fieldset>
  );
}
