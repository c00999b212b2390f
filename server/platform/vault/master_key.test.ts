import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { secret } from '../secret.ts'
import { StartError } from '../start_error.ts'
import { loadMasterKey, masterKeyFile, previousKeyFiles, renewMasterKey } from './master_key.ts'

const root = await mkdtemp(join(tmpdir(), 'trilho-master-key-'))
after(() => rm(root, { recursive: true, force: true }))
let folders = 0
const newFolder = (): string => join(root, `${folders++}`, 'data')

/** One line, the words that help, and nothing of the key. */
const refuses = (words: RegExp, hidden?: string) => (error: unknown) => {
  assert.ok(error instanceof StartError)
  assert.match(error.message, words)
  assert.ok(!error.message.includes('\n'))
  if (hidden) assert.ok(!error.message.includes(hidden))
  return true
}

test('the first start makes a key file that only its owner may read, and the next start reads it', async () => {
  const data_dir = newFolder()
  const made = await loadMasterKey({ data_dir })
  assert.equal(made.from, 'created')
  assert.equal(made.key.length, 32)
  assert.equal((await stat(masterKeyFile(data_dir))).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(data_dir), ['master.key'])
  assert.deepEqual(await loadMasterKey({ data_dir }), { ...made, from: 'file' })
})

test('processes that start at once on an empty folder agree on one key', async () => {
  const data_dir = newFolder()
  const loaded = await Promise.all(Array.from({ length: 12 }, () => loadMasterKey({ data_dir })))
  assert.equal(new Set(loaded.map(({ key }) => key.toString('hex'))).size, 1)
  assert.equal(loaded.filter(({ from }) => from === 'created').length, 1)
  assert.deepEqual(await readdir(data_dir), ['master.key'])
})

test('the setting wins over the file, and no file is made', async () => {
  const data_dir = newFolder()
  const raw = randomBytes(32)
  const master_key = secret(raw.toString('base64'))
  assert.deepEqual(await loadMasterKey({ master_key, data_dir }), {
    key: raw,
    previous: [],
    from: 'setting',
    path: null,
  })
  await assert.rejects(readFile(masterKeyFile(data_dir)), { code: 'ENOENT' })
})

test('a setting that is no key is refused by its name, unseen', async () => {
  const wrong = [
    '',
    'password',
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('hex'),
    'z'.repeat(64),
  ]
  for (const text of wrong) {
    const loading = loadMasterKey({ master_key: secret(text), data_dir: newFolder() })
    await assert.rejects(loading, refuses(/^TRILHO_MASTER_KEY must be 32 bytes/, text || undefined))
  }
})

test('a key file that others may read is refused with the command that mends it', async () => {
  const data_dir = newFolder()
  await loadMasterKey({ data_dir })
  const path = masterKeyFile(data_dir)
  for (const mode of [0o640, 0o604, 0o660, 0o644]) {
    await chmod(path, mode)
    await assert.rejects(loadMasterKey({ data_dir }), refuses(/may be read by others .* chmod 600 /))
  }
  await chmod(path, 0o400)
  assert.equal((await loadMasterKey({ data_dir })).from, 'file')
})

test('a damaged key file is refused and left as it is, never replaced by a new key', async () => {
  const data_dir = newFolder()
  await loadMasterKey({ data_dir })
  const path = masterKeyFile(data_dir)
  for (const text of ['', 'half a ke', `${randomBytes(32).toString('base64')}\nmore`]) {
    await writeFile(path, text)
    await assert.rejects(
      loadMasterKey({ data_dir }),
      refuses(/must hold 32 bytes.* backup/, text || undefined),
    )
    assert.equal(await readFile(path, 'utf8'), text)
  }
})

test('a data folder that cannot be used is one clear line', async () => {
  const file = join(root, 'a-file')
  await writeFile(file, '')
  await assert.rejects(
    loadMasterKey({ data_dir: join(file, 'data') }),
    refuses(/master key file .* cannot be used/),
  )
})

test('a key is read from base64, base64url and hex alike', async () => {
  const data_dir = newFolder()
  await loadMasterKey({ data_dir })
  const raw = randomBytes(32)
  for (const text of [
    raw.toString('base64'),
    `${raw.toString('base64url')}\n`,
    raw.toString('hex').toUpperCase(),
  ]) {
    await writeFile(masterKeyFile(data_dir), text)
    assert.deepEqual((await loadMasterKey({ data_dir })).key, raw)
  }
})

test('a new key file keeps the key before it, which goes on being found, and only the owner may read either', async () => {
  const data_dir = newFolder()
  const keys = [(await loadMasterKey({ data_dir })).key]
  for (const second of [1, 2]) {
    const now = new Date(Date.UTC(2026, 10, 22, 8, 0, second))
    const kept = await renewMasterKey(data_dir, now)
    assert.equal(kept, `${masterKeyFile(data_dir)}.2026-11-22T08000${second}`)
    const { key, previous } = await loadMasterKey({ data_dir })
    assert.deepEqual(previous, keys)
    keys.push(key)
    assert.equal((await stat(kept)).mode & 0o777, 0o600)
    assert.equal((await stat(masterKeyFile(data_dir))).mode & 0o777, 0o600)
  }
  assert.equal(new Set(keys.map(String)).size, 3)
  const set = { master_key: secret(randomBytes(32).toString('hex')), data_dir }
  assert.deepEqual(
    (await loadMasterKey(set)).previous,
    [],
    'files belong to the key file, not to the setting',
  )
})

test('where a new key file cannot be put in place, the present one stays and nothing is left behind', async () => {
  const data_dir = newFolder()
  const before = await loadMasterKey({ data_dir })
  const now = new Date('2026-11-22T08:00:00Z')
  await writeFile(`${masterKeyFile(data_dir)}.2026-11-22T080000`, `${randomBytes(32).toString('hex')}\n`, {
    mode: 0o600,
  })
  await assert.rejects(renewMasterKey(data_dir, now), refuses(/cannot be used: EEXIST/))
  assert.deepEqual((await loadMasterKey({ data_dir })).key, before.key)
  assert.deepEqual((await readdir(data_dir)).sort(), ['master.key', 'master.key.2026-11-22T080000'])
  await assert.rejects(renewMasterKey(newFolder(), now), refuses(/the first start makes it/))
})

test('previous keys stand in the setting too, and a key that is none is refused unseen', async () => {
  const [one, two] = [randomBytes(32), randomBytes(32)]
  const data_dir = newFolder()
  const previous_master_keys = secret(`${one.toString('hex')}, ${two.toString('base64')}\n`)
  assert.deepEqual((await loadMasterKey({ previous_master_keys, data_dir })).previous, [one, two])
  const bad = { previous_master_keys: secret(`${one.toString('hex')},abc`), data_dir }
  await assert.rejects(loadMasterKey(bad), refuses(/^TRILHO_PREVIOUS_MASTER_KEYS must hold/, 'abc'))
  assert.deepEqual(await previousKeyFiles(data_dir), [])
})
