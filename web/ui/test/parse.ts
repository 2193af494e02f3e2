// Text to Xml for tests in Node, which has no DOM of its own.

import { DOMParser, ParseError } from '@xmldom/xmldom';

import { fromDom, type DomNode, type Xml } from '../src/xmpp/xml.ts';

export function parse(text: string): Xml {
  const parser = new DOMParser({
    onError: (level, message) => {
      if (level !== 'warning') throw new ParseError(message);
    },
  });
  return fromDom(parser.parseFromString(text, 'text/xml').documentElement as unknown as DomNode);
}
