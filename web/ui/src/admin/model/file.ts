import type { Client } from './client.ts';

/** Asks the box for a file and has the browser keep it. */
export async function saveAs(client: Client, name: string, path: string, body: unknown): Promise<void> {
  const { data } = await client.send<Blob>('POST', path, body);
  keep(name, data);
}

/** Has the browser keep a file. */
export function keep(name: string, data: Blob): void {
  const link = document.createElement('a');
  const url = URL.createObjectURL(data);
  link.href = url;
  link.download = name;
  link.click();
  // COMPAT(safari): it reads the file only after the click; taken away at once, nothing is saved.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A file as JSON carries it. */
export async function base64(file: Blob): Promise<string> {
  const all = new Uint8Array(await file.arrayBuffer());
  return btoa(Array.from(all, (b) => String.fromCodePoint(b)).join(''));
}
