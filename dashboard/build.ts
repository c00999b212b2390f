import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress } from 'node:zlib'

// npm run dashboard (and npm ci): the dashboard and the portal in dashboard/dist/, each file also compressed, for
// http/dashboard.ts. Each page is built by itself: a customer's page loads nothing that only the dashboard needs.

const ROOT = fileURLToPath(new URL('.', import.meta.url))
const PAGES = ['index.html', 'portal.html']

async function main(watch: boolean): Promise<void> {
  const vite = await import('vite').catch(() => null)
  if (!vite) {
    console.log('The dashboard is not built: without the development dependencies there is no Vite.')
    return
  }
  for (const page of PAGES) {
    const build = { watch: watch ? {} : null, rolldownOptions: { input: ROOT + page } }
    await vite.build({ root: ROOT, logLevel: 'warn', build: { ...build, emptyOutDir: page === PAGES[0] } })
  }
  if (!watch) await compress(`${ROOT}dist/assets/`)
}

async function compress(folder: string): Promise<void> {
  const names = await readdir(folder)
  await Promise.all(
    names.map(async (name) =>
      writeFile(`${folder}${name}.br`, await promisify(brotliCompress)(await readFile(folder + name))),
    ),
  )
}

await main(process.argv.includes('--watch'))
