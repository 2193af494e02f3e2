// Asking the box for the token of somebody whom its directory knows. Loaded when somebody logs in as the
// host of a meeting.

/** `outside`: in no group that may host meetings. `away`: the directory does not answer. */
export type Known =
  | { readonly is: 'person'; readonly token: string; readonly name: string }
  | { readonly is: 'wrong' | 'outside' | 'away' | 'unreachable' }
  /** There were too many wrong ones: not before so many seconds. */
  | { readonly is: 'slow'; readonly seconds: number };

export interface Question {
  /** Local part of the room's address. */
  readonly room: string;
  readonly name: string;
  readonly password: string;
}

/** The directory may be slow. */
const timeout = 30_000;

export async function askDirectory(send: typeof fetch, url: string, question: Question): Promise<Known> {
  try {
    const response = await send(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(timeout),
    });
    if (response.ok) return parse(await response.json());
    switch (response.status) {
      case 403:
        return { is: 'outside' };
      case 429:
        return { is: 'slow', seconds: Number(response.headers.get('Retry-After')) || 1 };
      case 503:
        return { is: (await codeOf(response)) === 'directory' ? 'away' : 'unreachable' };
    }
    return { is: response.status >= 500 ? 'unreachable' : 'wrong' };
  } catch {
    return { is: 'unreachable' };
  }
}

function parse(json: unknown): Known {
  if (typeof json === 'object' && json !== null && 'token' in json && typeof json.token === 'string') {
    return { is: 'person', token: json.token, name: 'name' in json && typeof json.name === 'string' ? json.name : '' };
  }
  return { is: 'unreachable' };
}

async function codeOf(response: Response): Promise<string> {
  const problem: unknown = await response.json();
  return typeof problem === 'object' && problem !== null && 'code' in problem ? String(problem.code) : '';
}
