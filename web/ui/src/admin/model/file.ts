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
