// The page's policy demands Trusted Types, which closes the ways by which a text becomes a script.
// Two sinks are needed: the XML parser of the XMPP library, which makes documents that are never
// shown, and workers from the box's own files. Everything else that would turn text into markup or
// code throws.

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: {
      createHTML(text: string, type: string, sink: string): string | null;
      createScriptURL(url: string, type: string, sink: string): string | null;
    },
  ): unknown;
}

/** scripts: addresses of workers that the page may start besides those among its own assets. */
export function demandTrustedTypes(scripts: readonly string[] = []): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy('default', {
    createHTML: (text, _type, sink) => (sink.startsWith('DOMParser') ? text : null),
    createScriptURL: (url, _type, sink) => (scripts.includes(url) || (sink.startsWith('Worker') && new URL(url, location.href).href.startsWith(`${location.origin}/assets/`)) ? url : null),
  });
}
