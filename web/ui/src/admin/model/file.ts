import type { Client } from './client.ts';

/** Asks the box for a file and has the browser keep it. */
export async function saveAs(client: Client, name: string, path: string, body: unknown): Promise<void> {
  const { data } = await client.send<Blob>('POST', path, body);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(data);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A file as JSON carries it. */
export async function base64(file: Blob): Promise<string> {
  const all = new Uint8Array(await file.arrayBuffer());
  return btoa(Array.from(all, (b) => String.fromCodePoint(b)).join(''));
}
