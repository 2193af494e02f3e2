// Whether a browser takes this worker tells whether it trusts the certificate (see src/check).
self.addEventListener('install', () => self.skipWaiting());
