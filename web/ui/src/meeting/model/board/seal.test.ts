import { expect, test } from 'vitest';
import { newKey, sealWith } from './seal.ts';

test('what one closes the other opens, with the same key only', async () => {
  const key = await newKey();
  expect(key).toMatch(/^[\w-]{22}$/); // 128 bits, base64url
  const { data, iv } = await (await sealWith(key)).close({ type: 'SCENE_UPDATE', payload: { text: 'grün' } });
  expect(iv).toHaveLength(12);
  expect(await (await sealWith(key)).open(data, iv)).toEqual({ type: 'SCENE_UPDATE', payload: { text: 'grün' } });
  await expect((await sealWith(await newKey())).open(data, iv)).rejects.toThrow(DOMException);
  await expect(sealWith('no key')).rejects.toThrow(DOMException);
});

test('each message has bits of its own', async () => {
  const seal = await sealWith(await newKey());
  const [a, b] = await Promise.all([seal.close('x'), seal.close('x')]);
  expect(a.iv).not.toEqual(b.iv);
});

test('the key is that of a JSON Web Key', async () => {
  // 128 zero bits, imported in another way.
  const secret = await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']);
  const iv = new Uint8Array(12);
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, secret, new TextEncoder().encode('{"type":"IDLE_STATUS"}'));
  expect(await (await sealWith('A'.repeat(22))).open(data, iv)).toEqual({ type: 'IDLE_STATUS' });
});
