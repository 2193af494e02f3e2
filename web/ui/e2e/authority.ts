// Authorities beside the box's own, and who vouches for what answers at an address.

import { execFile } from 'node:child_process';
import { connect } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An authority (ca), and a certificate of its own for localhost (crt, key), in PEM, in that folder. */
export async function certificate(to: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', ['req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca', '-subj', '/CN=Office', '-days', '9'], { cwd: to });
  await run('openssl', ['req', '-x509', ...key, '-keyout', 'key', '-out', 'crt', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE', '-CA', 'ca', '-CAkey', 'ca.key', '-days', '9'], { cwd: to });
}

/** Who vouches for what answers there under the name localhost. */
export function issuer(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().issuer.CN));
      socket.end();
    });
    socket.once('error', reject);
  });
}
