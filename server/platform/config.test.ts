import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { isDevelopment, loadClientSettings, loadConfig, masterKeyBytes } from './config.ts'
import { ConfigSchema, configMarkdown, envName, PROPERTIES, shown } from './settings.ts'
import { StartError } from './start_error.ts'

const KEY = Buffer.alloc(32, 7)

/** Refused with one line that says all of `parts`. */
function refused(env: Record<string, string>, ...parts: string[]): string {
  let said = ''
  assert.throws(
    () => loadConfig(env),
    (error: unknown) => {
      assert.ok(error instanceof StartError)
      said = error.message
      return true
    },
  )
  assert.ok(!said.includes('\n'), said)
  for (const part of parts) assert.ok(said.includes(part), `"${part}" is not in: ${said}`)
  return said
}

test('an empty environment gives every default, and an empty variable counts as absent', () => {
  const defaults = loadConfig({ PATH: '/bin', TRILHO_PORT: '', TRILHO_HOST: ' ' })
  assert.deepEqual(defaults, loadConfig({}))
  assert.equal(defaults.port, 3012)
  assert.deepEqual(defaults.roles, ['api', 'ingest', 'worker'])
  assert.deepEqual(defaults.egress_allow, [])
  assert.ok(!('master_key' in defaults))
})

test('there are at most 40 settings, each with a description and an example that the start takes', () => {
  assert.ok(PROPERTIES.length <= 40, `${PROPERTIES.length} settings`)
  for (const [key, { description, examples }] of PROPERTIES) {
    assert.ok(description !== undefined && description.length > 20, key)
    assert.ok(examples?.[0] !== undefined, key)
    const value = loadConfig({ [envName(key)]: shown(examples[0]) })[key]
    assert.ok(value !== undefined, key)
    if (!isSecret(value)) assert.deepEqual(value, examples[0])
  }
})

test('every setting that is not optional has a default', () => {
  const required: readonly string[] = ConfigSchema.required
  for (const [key, property] of PROPERTIES) {
    assert.equal(required.includes(key), property.default !== undefined, key)
  }
})

test('a name that is no setting refuses the start and the closest setting is named', () => {
  refused({ TRILHO_PROT: '1' }, 'TRILHO_PROT', 'TRILHO_PORT?')
  refused({ TRILHO_DATABASE_URL: 'postgres://x' }, 'did you mean DATABASE_URL?')
  refused({ TRILHO_EGRES_ALOW: '' }, 'TRILHO_EGRESS_ALLOW?')
  refused({ TRILHO_MASTERKEY_FILE: 'x' }, 'TRILHO_MASTER_KEY_FILE?')
  refused({ TRILHO_PORT_FILE: 'x' }, 'TRILHO_PORT_FILE is no setting')
})

test('a bad value is refused with the variable, what is wrong and an example', () => {
  refused({ TRILHO_PORT: 'abc' }, 'TRILHO_PORT must be a whole number', '"abc"', 'TRILHO_PORT=8080')
  refused({ TRILHO_PORT: '80.5' }, 'whole number')
  refused({ TRILHO_PORT: '99999' }, 'from 0 to 65535')
  refused({ TRILHO_PORT: '-1' }, 'from 0 to 65535')
  refused({ TRILHO_PORT: '99999999999999999999' }, 'whole number')
  refused({ TRILHO_DEMO: 'maybe' }, 'TRILHO_DEMO must be true or false')
  refused({ TRILHO_LOG_LEVEL: 'loud' }, 'one of trace, debug, info')
  refused({ TRILHO_ROLES: 'api,web' }, 'a list of api, ingest, worker')
  refused({ TRILHO_ROLES: 'api,api' }, 'TRILHO_ROLES', 'duplicate')
  refused({ TRILHO_HOST: 'two words' }, 'TRILHO_HOST must be an IP address or a host name')
  refused({ TRILHO_SHUTDOWN_GRACE_MS: '9999999' }, 'from 0 to 600000')
})

test('an address that others are told must be a plain http or https URL', () => {
  for (const url of [
    'ftp://x',
    'hub.example.com',
    'https://u:p@x.com',
    'https://x.com/?a=1',
    'https://x.com/#a',
  ]) {
    refused({ TRILHO_PUBLIC_URL: url }, 'TRILHO_PUBLIC_URL must')
  }
  assert.equal(loadConfig({ TRILHO_PUBLIC_URL: 'https://x.com/hub' }).public_url, 'https://x.com/hub')
  refused({ TRILHO_OTLP_ENDPOINT: 'collector:4318' }, 'TRILHO_OTLP_ENDPOINT must be an http')
})

test('a network that is not in CIDR form is refused by name', () => {
  for (const bad of [
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0/8',
    '::1/129',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'lan/8',
  ]) {
    refused({ TRILHO_TRUSTED_PROXIES: `127.0.0.1/32,${bad}` }, 'CIDR', `"${bad}"`)
  }
  const { egress_allow } = loadConfig({ TRILHO_EGRESS_ALLOW: '10.0.0.0/8, fd00::/8,' })
  assert.deepEqual(egress_allow, ['10.0.0.0/8', 'fd00::/8'])
})

test('a secret is used by revealing it and never shown', () => {
  const config = loadConfig({ TRILHO_MASTER_KEY: KEY.toString('base64') })
  const { master_key } = config
  assert.equal(master_key?.reveal(), KEY.toString('base64'))
  const shows = [`${master_key}`, JSON.stringify(config), inspect(config, { depth: 9, showHidden: true })]
  for (const text of shows) {
    assert.ok(text.includes('[secret]'), text)
    assert.ok(!text.includes(KEY.toString('base64')), text)
  }
})

test('the refusal of a secret does not show it', () => {
  const said = refused({ TRILHO_MASTER_KEY: 'hunter2-hunter2' }, 'TRILHO_MASTER_KEY', 'at least 43')
  assert.ok(!said.includes('hunter2'))
  assert.ok(!refused({ DATABASE_URL: 'mysql://u:pw@localhost/x' }, 'postgres://').includes('pw@'))
  refused({ TRILHO_ADMIN_KEY: 'a key with spaces, and long enough for all' }, 'without spaces')
})

test('a master key is 32 bytes in base64, base64url or hex, and nothing else', () => {
  const random = Buffer.from('fb'.repeat(32), 'hex')
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    assert.deepEqual(masterKeyBytes(random.toString(encoding)), random)
  }
  for (const text of [
    '',
    'x',
    'g'.repeat(64),
    Buffer.alloc(31).toString('base64'),
    Buffer.alloc(33).toString('base64'),
  ]) {
    assert.equal(masterKeyBytes(text), null, text)
  }
  refused({ TRILHO_MASTER_KEY: '!'.repeat(43) }, 'openssl rand -base64 32')
})

test('a secret may stand in a file, but not in both places, and the file must be readable', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'trilho-config-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'key')
  writeFileSync(file, `${KEY.toString('hex')}\n`)
  assert.equal(loadConfig({ TRILHO_MASTER_KEY_FILE: file }).master_key?.reveal(), KEY.toString('hex'))
  refused({ TRILHO_MASTER_KEY_FILE: file, TRILHO_MASTER_KEY: KEY.toString('hex') }, 'both set')
  refused({ DATABASE_URL_FILE: join(dir, 'none') }, 'DATABASE_URL_FILE', 'cannot be read')
})

test('only a server that no other machine can reach is in development mode', () => {
  const own = { trusted_proxies: [] }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
    assert.equal(isDevelopment({ host, ...own }), true, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.example'])
    assert.equal(isDevelopment({ host, ...own }), false, host)
  const host = '127.0.0.1'
  for (const public_url of ['http://localhost:3012', 'http://127.0.0.1:80', 'http://[::1]:3012'])
    assert.equal(isDevelopment({ host, public_url, ...own }), true, public_url)
  assert.equal(isDevelopment({ host, public_url: 'https://hub.example.com', ...own }), false)
  assert.equal(
    isDevelopment({ host, trusted_proxies: ['127.0.0.1/32'] }),
    false,
    'behind a proxy of this machine',
  )
})

test('the printed page has a row for every setting', () => {
  const page = configMarkdown()
  for (const [key] of PROPERTIES) assert.ok(page.includes(`| \`${envName(key)}\` |`), key)
  assert.ok(!page.includes('undefined'))
})

const isSecret = (value: unknown): boolean => typeof value === 'object' && value !== null && 'reveal' in value

test('the server leaves the names of the commands alone, and commands read them with flags before the environment', () => {
  const env = { TRILHO_URL: 'https://hub.example.com', TRILHO_API_KEY: 'trl_test_0123456789' }
  loadConfig(env)
  const { url, api_key } = loadClientSettings(env, { TRILHO_URL: 'http://127.0.0.1:8080' })
  assert.deepEqual([url, api_key?.reveal()], ['http://127.0.0.1:8080', 'trl_test_0123456789'])
  assert.equal(loadClientSettings({}).url, 'http://127.0.0.1:3012')
  assert.throws(
    () => loadClientSettings({ TRILHO_TENANT: 'padaria' }),
    /TRILHO_TENANT must be the id of a tenant/,
  )
  for (const name of ['TRILHO_URL', 'TRILHO_API_KEY', 'TRILHO_TENANT'])
    assert.ok(configMarkdown().includes(`\`${name}\``))
})
