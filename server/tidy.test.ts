import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findUntidy, printFinding } from './test/tidy/rules.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

async function readServer(): Promise<Map<string, string>> {
  const paths = await Array.fromAsync(
    glob('server/**/*.{ts,sql}', { cwd: ROOT, exclude: ['server/bench/peers/**'] }),
  )
  return new Map(
    await Promise.all(paths.sort().map(async (path) => [path, await readFile(ROOT + path, 'utf8')] as const)),
  )
}

const rulesBroken = (files: Record<string, string>) =>
  findUntidy(new Map(Object.entries(files))).map(({ file, line, rule }) => `${file}:${line} ${rule}`)

test('the house is tidy', async () => {
  const files = await readServer()
  assert.ok(files.size > 20, 'the server was read')
  const findings = findUntidy(files).map(printFinding)
  assert.equal(findings.length, 0, `\n${findings.join('\n')}\n`)
})

describe('a broken rule is found where it is broken', () => {
  const cases: Record<string, { path: string; text: string; broken: string | null }> = {
    'the kit imports a room': {
      path: 'server/kit/retry.ts',
      text: "import { a } from '../platform/clock.ts'\nimport type { b } from '../modules/app.ts'\n",
      broken: '2 imports go down',
    },
    'a room imports a provider': {
      path: 'server/modules/calls/calls.ts',
      text: "import { providers } from '../../providers/index.ts'\n",
      broken: '1 imports go down',
    },
    'the sandbox imports the kit': {
      path: 'server/sandbox/echo.ts',
      text: "export * from '../kit/auth.ts'\n",
      broken: '1 imports go down',
    },
    'an import waits for its moment': {
      path: 'server/platform/clock.ts',
      text: "export const later = () => import('../kit/auth.ts')\n",
      broken: '1 imports go down',
    },
    'a folder nobody knows': { path: 'server/stuff/x.ts', text: '', broken: '1 imports go down' },
    'a room is entered by the window': {
      path: 'server/modules/calls/calls.ts',
      text: "import {\n  findConnection,\n} from '../connections/queries.ts'\n",
      broken: '1 one door',
    },
    'a room is entered by the door': {
      path: 'server/modules/calls/calls.ts',
      text: "import { openConnection } from '../connections/connections.ts'\n",
      broken: null,
    },
    'a platform folder is entered by the window': {
      path: 'server/modules/calls/calls.ts',
      text: "import { seal } from '../../platform/vault/crypto.ts'\n",
      broken: '1 one door',
    },
    'the assembly mounts the routes of a room': {
      path: 'server/assemble.ts',
      text: "import { routes } from './modules/calls/routes.ts'\n",
      broken: null,
    },
    'a room mounts the routes of another': {
      path: 'server/modules/calls/calls.ts',
      text: "import { routes } from '../tenants/routes.ts'\n",
      broken: '1 one door',
    },
    'a room speaks upwards': {
      path: 'server/modules/outbound/outbound.ts',
      text: "import { publish } from '../events/events.ts'\n",
      broken: '1 order of rooms',
    },
    'a room stands in no order': {
      path: 'server/modules/attic/attic.ts',
      text: '',
      broken: '1 order of rooms',
    },
    "another's table is read with Kysely": {
      path: 'server/modules/calls/queries.ts',
      text: "export const find = (tx: Tx) => tx\n  .selectFrom('connection as c').selectAll()\n",
      broken: '2 own tables',
    },
    "another's table is written with SQL": {
      path: 'server/modules/calls/queries.ts',
      text: 'const text = `\n  with a as (select 1)\n  insert into inbox_seen select 1`\n',
      broken: '3 own tables',
    },
    "one's own table is read outside of queries.ts": {
      path: 'server/modules/calls/calls.ts',
      text: "const text = 'select id from call'\n",
      broken: '1 own tables',
    },
    'a table is named in prose': {
      path: 'server/modules/calls/calls.ts',
      text: "// select everything from connection\nexport const because = 'an answer from source or delivery'\n",
      broken: null,
    },
    'a table has no owner': {
      path: 'server/migrations/9999_more.sql',
      text: '-- more\ncreate table more (id uuid);\n',
      broken: '2 own tables',
    },
    'the environment is read': {
      path: 'server/http/http.ts',
      text: "// process.env\nconst port = process.env['PORT']\n",
      broken: '2 process.env',
    },
    'a socket is opened in a room': {
      path: 'server/modules/calls/calls.ts',
      text: "import { request } from 'undici'\n",
      broken: '1 sockets',
    },
    'a global opens a socket': {
      path: 'server/kit/auth.ts',
      text: "export const get = () => fetch('https://a.example')\n",
      broken: '1 sockets',
    },
    'an address is only looked at': {
      path: 'server/kit/auth.ts',
      text: "import { isIP } from 'node:net'\nimport type { Server } from 'node:http'\n",
      broken: null,
    },
    'a file name says nothing': { path: 'server/kit/date_utils.ts', text: '', broken: '1 names' },
    'a name says nothing': {
      path: 'server/kit/retry.ts',
      text: '\nexport const retryManager = 1\n',
      broken: '2 names',
    },
    'a file is long': { path: 'server/kit/retry.ts', text: 'a()\n'.repeat(301), broken: '300 short files' },
    'a function is long': {
      path: 'server/kit/retry.ts',
      text: `a()\nexport async function b() {\n${'  c()\n'.repeat(60)}}\n`,
      broken: '2 short functions',
    },
    'an arrow of one line stands before a long list': {
      path: 'server/kit/retry.ts',
      text: `const a = (b: string) => c(b)\nconst d = (\n  e: string,\n) =>\n  e\nconst f = [\n${'  g,\n'.repeat(90)}]\n`,
      broken: null,
    },
    'a function with its parameters below each other is long': {
      path: 'server/kit/retry.ts',
      text: `function b(\n  d: string,\n): void {\n${'  c()\n\n'.repeat(30)}}\n`,
      broken: '1 short functions',
    },
    'an arrow is long': {
      path: 'server/kit/retry.ts',
      text: `export const b = async (c: string): Promise<void> => {\n${'  d(`}`)\n'.repeat(60)}}\n`,
      broken: '1 short functions',
    },
    'a test looks at everything': {
      path: 'server/kit/retry.test.ts',
      text: "import { a } from '../modules/calls/queries.ts'\nprocess.env['A']\n",
      broken: null,
    },
  }
  for (const [name, { path, text, broken }] of Object.entries(cases)) {
    test(name, () =>
      assert.deepEqual(rulesBroken({ [path]: text }), broken === null ? [] : [`${path}:${broken}`]),
    )
  }
})

test('a finding says where, which rule, and what to do', () => {
  const [finding] = findUntidy(new Map([['server/kit/x.ts', "import { a } from '../modules/app.ts'"]]))
  assert.equal(
    finding && printFinding(finding),
    'server/kit/x.ts:1 [imports go down] kit imports server/modules/app.ts. Imports go down only, kit may import platform; let the caller hand it in',
  )
})
