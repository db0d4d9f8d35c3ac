import react from '@vitejs/plugin-react';
import { join } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // From its source: the compiled one may not be there yet, for both are built side by side.
  resolve: { alias: { '#sdk/sse': join(import.meta.dirname, '../../libs/sdk/sse/index.ts') } },
  build: {
    // The gateway serves this folder; hashed names below assets/ may be cached for ever.
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    chunkSizeWarningLimit: 900,
  },
});
