import react from '@vitejs/plugin-react';
import { join } from 'node:path';
import { defineConfig } from 'vite';

const lib = (path: string): string => join(import.meta.dirname, '../../libs', path, 'index.ts');

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // From their sources: the compiled ones may not be there yet, for both are built side by side.
  resolve: { alias: { '#sdk/sse': lib('sdk/sse'), '#core/ledger': lib('core/ledger'), '#kernel': lib('kernel') } },
  build: {
    // The gateway serves this folder; hashed names below assets/ may be cached for ever.
    outDir: '../../dist/console',
    // The player that other sites frame is a page of its own, and loads nothing of the console.
    rollupOptions: { input: { console: join(import.meta.dirname, 'index.html'), embed: join(import.meta.dirname, 'embed.html') } },
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    chunkSizeWarningLimit: 900,
  },
});
