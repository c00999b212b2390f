import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** `npm run dashboard -- --watch` beside `npm run dev` shows each change at the next reload. */
export default defineConfig({
  plugins: [react()],
  build: { target: 'es2023', sourcemap: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 600 },
  clearScreen: false,
})
