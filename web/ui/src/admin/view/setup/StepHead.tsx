import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../words.ts';

/** The heading of a step. It gets the focus, so that reading begins there. */
export function StepHead({ title, text }: { readonly title: string; readonly text: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    document.title = t('page-title', { page: title });
  }, [title]);
  return (
    <div>
      <h1 tabIndex={-1} ref={heading}>
        {title}
      </h1>
      <p class="page-lead">{text}</p>
    </div>
  );
}
