import { defineConfig } from 'vite';

// external_api.js, which pages of others load by that name: one classic script with one global.
export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2022',
    emptyOutDir: false,
    sourcemap: false,
    lib: { entry: 'src/embed/api.ts', formats: ['iife'], name: 'JitsiMeetExternalAPI', fileName: () => 'external_api.js' },
  },
});
