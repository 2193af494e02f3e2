// The few things a client does with addresses. They are not normalised here: the server did that.

export function bare(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? jid : jid.slice(0, slash);
}

export function resource(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? '' : jid.slice(slash + 1);
}

export function node(jid: string): string {
  const at = bare(jid).indexOf('@');
  return at < 0 ? '' : jid.slice(0, at);
}

/**
 * A room's local part from the name in a link. As in Jitsi's apps it is the name in lower case, then
 * percent-encoded, so that one link is one room for every client, and a name may hold anything: JIDs
 * forbid blanks, slashes and emoji. The apostrophe is the one forbidden character that
 * encodeURIComponent leaves (RFC 7622 section 3.3.1).
 */
export function roomNode(name: string): string {
  const folded = name.toWellFormed().normalize('NFKC').toLowerCase();
  return encodeURIComponent(folded).replaceAll("'", '%27').toLowerCase();
}

/**
 * The endpoint id of a session: the first eight characters of an anonymous user's name, which is a
 * UUID, and eight random hex digits for everybody else.
 */
export function endpointOf(jid: string, random: () => number = Math.random): string {
  const start = node(jid).slice(0, 8).toLowerCase();
  if (/^[0-9a-f]{8}$/.test(start)) return start;
  return Array.from({ length: 8 }, () => Math.floor(random() * 16).toString(16)).join('');
}
