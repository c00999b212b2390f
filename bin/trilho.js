#!/usr/bin/env node
// Finds a Node that can run Trilho, then Trilho: compiled in dist/ when installed, TypeScript in a checkout.
// Plain JavaScript for old Nodes: `npx trilho` and npm scripts already find the bundled Node first in PATH,
// a global install or a direct call does not.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)

endWithParent()
if (major > 22 || (major === 22 && minor >= 19)) await runHere()
else runOn(bundledNode())

// npx runs us below a shell, which dies of npx's SIGTERM without a word to us.
function endWithParent() {
  if (process.env.npm_command !== 'exec') return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 250).unref()
}

async function runHere() {
  const { run } = await import(entry())
  process.exitCode = await run(process.argv.slice(2))
}

function entry() {
  const compiled = new URL('../dist/cli/cli.js', import.meta.url)
  const source = new URL('../server/cli/cli.ts', import.meta.url)
  return (existsSync(source) ? source : compiled).href
}

function bundledNode() {
  const name = `node-${process.platform}-${process.arch}`
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    const node = join(folder, 'bin', 'node')
    return existsSync(node) ? node : null
  } catch {
    return null
  }
}

function runOn(node) {
  if (!node) {
    console.error(
      `Trilho needs Node 22.19 or later; this is ${process.versions.node}. Install Node 24: https://nodejs.org`,
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal))
  // A terminal sends its interrupt to both: passed on as well, it would read as a second, impatient one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  child.on('error', (error) => {
    console.error(`The bundled Node could not be started: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
