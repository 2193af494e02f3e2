// What Excalidraw leaves without a name, or with one that is not what can be
// seen, is named for those who hear the page.

import { tt } from '../../../i18n/together.ts';

/** Names all parts within and in Excalidraw's dialogs, those that come later too, until it is called off. */
export function nameParts(board: Element): () => void {
  const watched = { subtree: true, childList: true, characterData: true };
  const observer = new MutationObserver(() => {
    const dialogs = document.querySelector('.excalidraw-modal-container');
    if (dialogs) observer.observe(dialogs, watched);
    for (const root of dialogs ? [board, dialogs] : [board]) name(root);
  });
  observer.observe(board, watched);
  observer.observe(document.body, { childList: true });
  name(board);
  return () => observer.disconnect();
}

const text = (part: Element | null | undefined) => part?.textContent?.trim() ?? '';

function name(root: Element): void {
  const each = (selector: string, of: (part: Element) => string) => {
    for (const part of root.querySelectorAll(selector)) set(part, 'aria-label', of(part));
  };
  each('.main-menu-trigger', () => tt('board.menu'));
  each('.reset-zoom-button', (zoom) => `${text(zoom)} ${zoom.getAttribute('title') ?? ''}`);
  each('.RadioGroup__choice > input', (choice) => text(choice.parentElement));
  each('.Modal', (dialog) => text(dialog.querySelector('.Dialog__title, h2, h3')) || tt('board.title'));
  each('.color-picker-container', (colors) => text(colors.parentElement?.parentElement?.querySelector('h3')) || tt('board.title'));
  // These are no dialogs: all else can be reached.
  for (const colors of root.querySelectorAll('.color-picker-container')) {
    set(colors, 'role', 'group');
    colors.removeAttribute('aria-modal');
  }
  // What they are called is not what they show.
  for (const button of root.querySelectorAll('.dropdown-menu-item, .ExcButton')) {
    if (text(button) && !(button.getAttribute('aria-label') ?? '').includes(text(button))) button.removeAttribute('aria-label');
  }
}

function set(part: Element, attribute: string, value: string): void {
  if (part.getAttribute(attribute) !== value) part.setAttribute(attribute, value);
}
