import { useEffect } from 'preact/hooks';

/**
 * Single-key shortcuts while the meeting is open. They never fire while somebody types, holds
 * another key, or a dialog is open.
 */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable], dialog, [role="menu"]')) return;
      const action = actions[event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault(); // else C opens the chat and is its first letter
      action();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [actions]);
}
