import { spawnSync } from 'node:child_process'
import { copyFile, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

// npm run build (and npm pack): server/ as JavaScript in dist/, since Node strips no types under node_modules.
// The compiler rewrites the endings of imports; `new URL('./x.ts', import.meta.url)` and the files read at run
// time (.sql, .json, …) are left to us.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LEFT_OUT = ['server/test/**', 'server/bench/**', 'server/**/*.test.ts']

async function main(): Promise<void> {
  process.chdir(ROOT)
  await rm('dist', { recursive: true, force: true })
  compile()
  const left = await rewriteUrls()
  await copyFiles()
  if (left.length > 0) {
    throw new Error(
      `these name a .ts file in a way that is not rewritten; say new URL('./x.ts', import.meta.url):\n${left.join('\n')}`,
    )
  }
}

function compile(): void {
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the server does not compile')
}

/** Returns the places where a relative .ts path is left. */
async function rewriteUrls(): Promise<string[]> {
  const left: string[] = []
  for await (const file of glob('dist/**/*.js')) {
    const text = await readFile(file, 'utf8')
    const rewritten = text.replace(/(new URL\(\s*(['"])[^'"]+)\.ts\2/g, '$1.js$2')
    if (rewritten !== text) await writeFile(file, rewritten)
    for (const [path] of rewritten.matchAll(/(['"`])\.{1,2}\/[^'"`\n]*\.ts\1/g)) left.push(`${file}: ${path}`)
  }
  return left
}

async function copyFiles(): Promise<void> {
  for await (const from of glob('server/**/*.*', { exclude: LEFT_OUT })) {
    if (from.endsWith('.ts')) continue
    const to = from.replace(/^server/, 'dist')
    await mkdir(dirname(to), { recursive: true })
    await copyFile(from, to)
  }
}

await main().catch((error: Error) => {
  console.error(`The build failed: ${error.message}`)
  process.exitCode = 1
})
