import { useEffect } from 'preact/hooks';

/**
 * Where a form was sent and the box found something wrong, the first such field gets the focus: it may be far
 * above the button, and is read aloud with what is wrong. Who types on meanwhile is left alone.
 */
export function useFirstMistake(): void {
  useEffect(() => {
    let observer: MutationObserver | null = null;
    const stop = () => {
      observer?.disconnect();
      observer = null;
    };
    const sent = (event: Event) => {
      stop();
      const form = event.target;
      if (!(form instanceof HTMLFormElement)) return;
      observer = new MutationObserver(() => {
        const wrong = form.querySelector<HTMLElement>('[aria-invalid="true"]');
        if (!wrong) return;
        stop();
        wrong.focus();
      });
      observer.observe(form, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-invalid'] });
    };
    document.addEventListener('submit', sent);
    document.addEventListener('input', stop);
    return () => {
      stop();
      document.removeEventListener('submit', sent);
      document.removeEventListener('input', stop);
    };
  }, []);
}
