import { preact } from '@preact/preset-vite';
import { defineConfig } from 'vitest/config';
import { catalogs } from './catalogs.ts';
import { byPages } from './chunks.ts';
import { compress } from './compress.ts';
import { excalidraw } from './excalidraw.ts';

// The page is served by the box's Go front. While developing, `npm run dev` serves the sources and
// passes everything that needs a service on to a running `make run`.
const box = process.env['MEETBOX_ORIGIN'] ?? 'https://localhost:8443';

const pages = { meeting: 'index.html', admin: 'admin.html', trust: 'trust.html', check: 'check.html' };

export default defineConfig({
  plugins: [catalogs(), preact(), excalidraw(), compress()],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    // The CSP allows no inline scripts and no data: URLs.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    sourcemap: false,
    rolldownOptions: {
      input: pages,
      output: { codeSplitting: { groups: [{ name: byPages(pages), includeDependenciesRecursively: false }] } },
    },
  },
  server: {
    proxy: {
      '/config.js': { target: box, secure: false },
      '/conference-request': { target: box, secure: false },
      '/xmpp-websocket': { target: box, secure: false, ws: true },
      '/colibri-ws': { target: box, secure: false, ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/**/*.test.ts'],
    environment: 'node',
    // The machine may be building something at the same time.
    testTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
