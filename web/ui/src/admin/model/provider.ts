// The way back from a provider of OpenID Connect. It leads to a page of the console, which sends on what it
// was given: so no cookie of the console is ever sent along from another site.

import type { OIDCAnswer } from '../api.ts';

/** What the provider put into the address; null for any other address. */
export function answerOf({ pathname, search }: { readonly pathname: string; readonly search: string }): OIDCAnswer | null {
  if (pathname !== '/signed-in') return null;
  const query = new URLSearchParams(search);
  const [state, code, error] = [query.get('state'), query.get('code'), query.get('error')];
  if (state === null) return null;
  return { state, ...(code === null ? {} : { code }), ...(error === null ? {} : { error }) };
}
