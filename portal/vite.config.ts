import path from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const broker = process.env['LATCHKEY_URL'] ?? 'http://127.0.0.1:4460'

/** Built into dist/portal, which the daemon serves. `npx vite portal` serves it while it is being written, before a daemon that runs. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: path.resolve(import.meta.dirname, '../dist/portal'),
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page’s policy takes no data: URL
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000, // what counts is compressed, and test/portal/serving.test.ts holds that
  },
  server: { proxy: { '/api': broker, '/auth': broker } },
})
