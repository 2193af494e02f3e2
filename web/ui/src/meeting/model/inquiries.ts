// What a client asks a server about itself and its rooms. No answer is an answer, too.

import { parseDisco, parseIceServers, type Disco, type IceServer } from '../../xmpp/disco.ts';
import { ns } from '../../xmpp/ns.ts';
import { el, type Xml } from '../../xmpp/xml.ts';

export interface Inquiries {
  /** disco#info of an address (XEP-0030); undefined when it says nothing. */
  about(address: string): Promise<Disco | undefined>;
  /** The domain's TURN servers (XEP-0215). */
  iceServers(domain: string): Promise<readonly IceServer[]>;
}

export function createInquiries(iq: (x: Xml) => Promise<Xml>): Inquiries {
  const get = (to: string, payload: Xml) => iq(el('iq', '', { type: 'get', to }, payload));
  return {
    about: (address) =>
      get(address, el('query', ns.discoInfo))
        .then(parseDisco)
        .catch(() => undefined),
    iceServers: (domain) =>
      get(domain, el('services', ns.extdisco))
        .then(parseIceServers)
        .catch(() => []),
  };
}
