import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress } from 'node:zlib'

// npm run dashboard (and npm ci): the dashboard in dashboard/dist/, each file also compressed, for http/dashboard.ts.

const ROOT = fileURLToPath(new URL('.', import.meta.url))

async function main(watch: boolean): Promise<void> {
  const vite = await import('vite').catch(() => null)
  if (!vite) {
    console.log('The dashboard is not built: without the development dependencies there is no Vite.')
    return
  }
  await vite.build({ root: ROOT, logLevel: 'warn', build: { watch: watch ? {} : null } })
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
