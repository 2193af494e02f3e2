// The page's policy demands Trusted Types, which closes the ways by which a text becomes a script.
// The one sink that is needed is the XML parser of the XMPP library: it makes documents that are
// never shown. Everything else that would turn text into markup or code throws.

interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(text: string, type: string, sink: string): string | null; createScriptURL(url: string): string | null }): unknown;
}

/** scripts: addresses of workers that the page may start. */
export function demandTrustedTypes(scripts: readonly string[] = []): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy('default', {
    createHTML: (text, _type, sink) => (sink.startsWith('DOMParser') ? text : null),
    createScriptURL: (url) => (scripts.includes(url) ? url : null),
  });
}
