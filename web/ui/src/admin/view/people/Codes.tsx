import { Button } from '../../../kit/Button.tsx';
import { Tool } from '../../../kit/tools.tsx';
import { keep } from '../../model/file.ts';
import { t } from '../../words.ts';

/** Recovery codes, while they can be seen: to write down or to keep as a file. */
export function Codes({ codes, name }: { readonly codes: readonly string[]; readonly name: string }) {
  const save = () => keep('meetbox-recovery-codes.txt', new Blob([`${t('codes.file', { name })}\n\n${codes.join('\n')}\n`], { type: 'text/plain' }));
  return (
    <>
      <ul class="codes" aria-label={t('codes.title')}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div class="buttons">
        <Button onClick={save}>
          <Tool name="download" size={18} />
          {t('codes.save')}
        </Button>
      </div>
    </>
  );
}
