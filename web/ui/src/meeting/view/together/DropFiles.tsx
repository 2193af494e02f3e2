import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { tt } from '../../../i18n/together.ts';
import { Icon } from '../../../kit/icons.tsx';
import type { Files } from '../../model/together/files.ts';

/** Files that are dragged over the page are shared where they are dropped, wherever that is. */
export function DropFiles({ files, open }: { readonly files: Files; readonly open: () => void }) {
  const over = useSignal(false);
  useEffect(() => {
    if (!files.available.value) return undefined;
    const carries = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const drag = (event: DragEvent) => {
      if (!carries(event)) return;
      event.preventDefault();
      over.value = true;
    };
    // Out of the page, not from one of its parts to another.
    const away = (event: DragEvent) => {
      if (event.relatedTarget === null) over.value = false;
    };
    const drop = (event: DragEvent) => {
      over.value = false;
      if (!carries(event)) return;
      event.preventDefault();
      const list = [...(event.dataTransfer?.files ?? [])];
      if (list.length === 0) return;
      files.share(list);
      open();
    };
    const listeners = [
      ['dragenter', drag],
      ['dragover', drag],
      ['dragleave', away],
      ['drop', drop],
    ] as const;
    for (const [name, listener] of listeners) document.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of listeners) document.removeEventListener(name, listener);
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- open only sets a signal
  }, [files, files.available.value, over]);
  return over.value ? (
    <div class="drop-files">
      <Icon name="file" size={40} />
      <p>{tt('files.drop')}</p>
    </div>
  ) : null;
}
