import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataFolder, startServer, trilho } from '../test/cli.ts'

// On the embedded PostgreSQL, each command a process of its own, as people run them.

const report = (out: string) => JSON.parse(out) as Record<string, unknown>

test('a backup beside a running server is restored into a new folder, and says what becomes of the master key', async () => {
  const [dir, new_dir, key_dir, files] = [
    await dataFolder(),
    await dataFolder(),
    await dataFolder(),
    await dataFolder(),
  ]
  const env = { TRILHO_DATA_DIR: dir, TRILHO_PARTITIONS_AHEAD_DAYS: '2' }
  const server = await startServer(env)
  const [bare, full] = [join(files, 'bare.backup.gz'), join(files, 'full.backup.gz')]
  const made = await trilho(['backup', bare], env)
  assert.equal(made.code, 0, made.err)
  assert.match(made.out, /does not hold the master key.*\n?.*master\.key/)
  await server.stop('SIGTERM')
  const loud = await trilho(['backup', full, '--include-master-key'], env) // and without one
  assert.match(loud.out, /THIS BACKUP HOLDS THE MASTER KEY/, loud.err)

  const again = await trilho(['restore', bare], env)
  assert.equal(again.code, 1)
  assert.match(again.err, /not empty.*TRILHO_DATA_DIR/)
  assert.match(
    (await trilho(['restore', bare, '--inspect'], env)).out,
    / 1 tenant, .* does not hold the master key/,
  )

  const keyless = await trilho(['restore', bare], { TRILHO_DATA_DIR: new_dir })
  assert.equal(keyless.code, 0, keyless.err)
  assert.match(keyless.out, /There is no master key here, so no secret opens: put master\.key into/)

  const keyed = await trilho(['restore', full, '--json'], { TRILHO_DATA_DIR: key_dir })
  assert.equal(keyed.code, 0, keyed.err)
  const { secrets, master_key_written } = report(keyed.out)
  assert.deepEqual([secrets, master_key_written], [{ tenants: 1, opened: 1, missing_masters: [] }, true])
  const [was, is] = [join(dir, 'master.key'), join(key_dir, 'master.key')]
  assert.equal(await readFile(is, 'utf8'), await readFile(was, 'utf8'))
  assert.equal((await stat(is)).mode & 0o777, 0o600)
})

test('a backup of nothing, a file that is none and a key that does not fit end with one line and no 0', async () => {
  const dir = await dataFolder()
  const file = join(dir, 'x.backup.gz')
  const [nothing, no_file] = await Promise.all([
    trilho(['backup', file], { TRILHO_DATA_DIR: join(dir, 'nowhere') }),
    trilho(['restore', file], { TRILHO_DATA_DIR: dir }),
  ])
  for (const [{ code, err }, says] of [
    [nothing, /There is no database in/],
    [no_file, /cannot be read: ENOENT/],
  ] as const) {
    assert.deepEqual([code, err.trim().split('\n').length], [1, 1], err)
    assert.match(err, says)
  }
})
