import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { errorsMarkdown } from '../platform/errors.ts'
import { configMarkdown } from '../platform/settings.ts'
import { clientTypes } from './client.ts'
import { freePort } from './ports.ts'
import { maintain, startTestPostgres, TEMPLATE, withDatabase } from './postgres.ts'
import { tablesText } from './tables.ts'

// npm run generate               prints what is printed from code
// npm run generate -- tables     only the files whose path holds the word
// npm run generate -- --check    prints nothing, fails where a file is not what the code says

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Path → how its text is made, given the URL of a PostgreSQL with the migrated template. */
const PRINTED: Record<string, (url: string) => string | Promise<string>> = {
  'docs/config.md': configMarkdown,
  'docs/errors.md': errorsMarkdown,
  'openapi.json': openapiText,
  // After the document it is printed from, which is compared first.
  'dashboard/src/api/schema.ts': async () =>
    clientTypes(JSON.parse(await readFile(`${ROOT}openapi.json`, 'utf8'))),
  'server/platform/database/tables.ts': tablesOfTemplate,
}

async function main(args: string[]): Promise<void> {
  const [check, words] = [args.includes('--check'), args.filter((arg) => !arg.startsWith('--'))]
  const paths = Object.keys(PRINTED).filter(
    (path) => words.length === 0 || words.some((word) => path.includes(word)),
  )
  const postgres = await startTestPostgres(process.env['DATABASE_URL'])
  try {
    for (const path of paths) await (check ? compare : write)(path, postgres.url)
  } finally {
    await postgres.stop()
  }
}

async function write(path: string, url: string): Promise<void> {
  const text = await PRINTED[path]?.(url)
  await mkdir(dirname(ROOT + path), { recursive: true })
  await writeFile(ROOT + path, text ?? '')
  console.log(path)
}

async function compare(path: string, url: string): Promise<void> {
  const [made, kept] = [await PRINTED[path]?.(url), await readFile(ROOT + path, 'utf8').catch(() => '')]
  if (made === kept) return
  console.error(`${path} is not what the code says. Run: npm run generate`)
  process.exitCode = 1
}

async function tablesOfTemplate(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: withDatabase(url, TEMPLATE) })
  await client.connect()
  try {
    return await tablesText(client)
  } finally {
    await client.end()
  }
}

/** As the server serves it where no public address is set. */
async function openapiText(url: string): Promise<string> {
  const name = 'trilho_generate'
  await maintain(
    url,
    `drop database if exists ${name} with (force)`,
    `create database ${name} template ${TEMPLATE}`,
  )
  const data_dir = await mkdtemp(join(tmpdir(), 'trilho-generate-'))
  try {
    const document = await documentOf(withDatabase(url, name), data_dir)
    return `${JSON.stringify(document, null, 2)}\n`
  } finally {
    await rm(data_dir, { recursive: true, force: true })
    await maintain(url, `drop database if exists ${name} with (force)`)
  }
}

async function documentOf(database_url: string, data_dir: string): Promise<unknown> {
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: database_url,
    TRILHO_PORT: String(port),
    TRILHO_DATA_DIR: data_dir,
    TRILHO_DEMO: 'false',
    TRILHO_SANDBOX: 'false',
    TRILHO_LOG_LEVEL: 'error',
  }
  const server = spawn(process.execPath, [`${ROOT}server/main.ts`], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(server, 'exit')
  try {
    return await firstAnswer(`http://127.0.0.1:${port}/openapi.json`, () => server.exitCode === null)
  } finally {
    server.kill('SIGTERM')
    await ended
  }
}

async function firstAnswer(url: string, is_running: () => boolean): Promise<unknown> {
  const deadline = Date.now() + 30_000
  while (is_running() && Date.now() < deadline) {
    const response = await fetch(url).catch(() => null)
    if (response?.ok) return response.json()
    await sleep(50)
  }
  throw new Error('the server did not start; try npm start')
}

await main(process.argv.slice(2))
