/** A text in pieces: plain ones, and addresses that may be opened. */
export interface Piece {
  readonly text: string;
  readonly href: string | null;
}

const address = /\bhttps?:\/\/[^\s<>"']+/giu;
// A full stop or bracket after an address belongs to the sentence.
const trailing = '.,;:!?)]}»”’';

export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(address)) {
    let { length } = match[0];
    while (trailing.includes(match[0].charAt(length - 1))) length--;
    const link = match[0].slice(0, length);
    if (!URL.canParse(link)) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index), href: null });
    found.push({ text: link, href: link });
    at = match.index + link.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), href: null });
  return found;
}
