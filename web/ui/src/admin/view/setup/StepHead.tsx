import { useEffect, useRef } from 'preact/hooks';
import { useTitle } from '../../../kit/title.ts';

/** The heading of a step. It gets the focus, so that reading begins there. */
export function StepHead({ title, text }: { readonly title: string; readonly text: string }) {
  useTitle(title);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
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
