/** A text in pieces: plain ones, and addresses that may be opened. */
export interface Piece {
  readonly text: string;
  readonly href: string | null;
}

const address = /\bhttps?:\/\/[^\s<>"']+/giu;
// A full stop or bracket after an address belongs to the sentence.
const trailing = /[.,;:!?)\]}»”’]+$/u;

export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(address)) {
    const link = match[0].replace(trailing, '');
    if (!URL.canParse(link)) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index), href: null });
    found.push({ text: link, href: link });
    at = match.index + link.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), href: null });
  return found;
}
