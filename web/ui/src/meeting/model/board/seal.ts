// What is drawn is encrypted from page to page, as Excalidraw does it: JSON in AES-128-GCM, with the
// key as a JSON Web Key has it (RFC 7518 §6.4) and 96 bits that are new for each message.

const algorithm = 'AES-GCM';
const keyBits = 128;
const ivBytes = 12;

export interface Sealed {
  readonly data: ArrayBuffer;
  readonly iv: Uint8Array<ArrayBuffer>;
}

export interface Seal {
  close(message: unknown): Promise<Sealed>;
  /** Throws when it was not sealed with the same key. */
  open(data: BufferSource, iv: BufferSource): Promise<unknown>;
}

/** A new key, as text. */
export async function newKey(): Promise<string> {
  const key = await crypto.subtle.generateKey({ name: algorithm, length: keyBits }, true, ['encrypt', 'decrypt']);
  return (await crypto.subtle.exportKey('jwk', key)).k ?? '';
}

/** Throws when the text is no key. */
export async function sealWith(key: string): Promise<Seal> {
  const jwk = { alg: 'A128GCM', ext: true, k: key, key_ops: ['encrypt', 'decrypt'], kty: 'oct' };
  const secret = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['encrypt', 'decrypt']);
  return {
    async close(message) {
      const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
      const data = await crypto.subtle.encrypt({ name: algorithm, iv }, secret, new TextEncoder().encode(JSON.stringify(message)));
      return { data, iv };
    },
    async open(data, iv) {
      const text = await crypto.subtle.decrypt({ name: algorithm, iv }, secret, data);
      return JSON.parse(new TextDecoder().decode(text)) as unknown;
    },
  };
}
