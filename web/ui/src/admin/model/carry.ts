// The browser's way of carrying requests. Files go by XMLHttpRequest, the only one that tells how far it is.

import type { Carry } from './client.ts';

export const carry: Carry = async (method, path, body, { etag, onProgress }) => {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (etag !== undefined) headers['If-Match'] = etag;
  if (body instanceof Blob) {
    headers['Content-Type'] = 'application/octet-stream';
    return await upload(method, path, body, headers, onProgress ?? (() => undefined));
  }
  const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'same-origin' };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  return await fetch(path, init);
};

function upload(method: string, path: string, body: Blob, headers: Record<string, string>, onProgress: (part: number) => void): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.total > 0 ? event.loaded / event.total : 0);
    request.onload = () => {
      const etag = request.getResponseHeader('ETag');
      resolve(new Response(request.status === 204 ? null : request.responseText, { status: request.status, statusText: request.statusText, headers: etag === null ? {} : { ETag: etag } }));
    };
    request.onerror = () => reject(new TypeError('upload broken off'));
    request.send(body);
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
