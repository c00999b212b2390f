import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { sql } from 'kysely'
import { testDatabase } from '../../test/harness.ts'
import { type Clock, systemClock } from '../clock.ts'
import { inTenant, inTenants, type Tx } from '../database/database.ts'
import { Problem } from '../errors.ts'
import { createVault, type Vault } from './vault.ts'

const db = await testDatabase()
const master_key = randomBytes(32)
const newVault = (clock: Clock = systemClock): Vault => createVault({ master_key, clock })
const vault = newVault()
/** Another process: same database, same master key, nothing remembered. */
const stranger = newVault

const newOwner = () => ({ tenant_id: randomUUID(), owner_id: randomUUID() })
const inside = <T>(tenant_id: string, work: (tx: Tx) => Promise<T>): Promise<T> =>
  inTenant(db, tenant_id, work)

/** Does what somebody with the whole database in hand could do. */
const tamper = (statement: ReturnType<typeof sql>) => statement.execute(db.owner)

test('a secret comes back as it was put, in any process that holds the master key', async () => {
  const owner = newOwner()
  const texts = fc.sample(fc.string({ unit: 'grapheme', maxLength: 2_000 }), 20).concat('', 'ação\u0000🚆')
  for (const plaintext of texts) {
    await inside(owner.tenant_id, (tx) => vault.put(tx, { ...owner, field: 'secret_key' }, plaintext))
    for (const reader of [vault, stranger()]) {
      const got = await inside(owner.tenant_id, (tx) => reader.get(tx, { ...owner, field: 'secret_key' }))
      assert.equal(got, plaintext)
    }
  }
})

test('the secrets of an owner come together, are replaced one by one, and are dropped together', async () => {
  const [owner, other] = [newOwner(), newOwner()]
  other.tenant_id = owner.tenant_id
  const rest = await inside(owner.tenant_id, async (tx) => {
    await vault.put(tx, { ...owner, field: 'user' }, 'maria')
    await vault.put(tx, { ...owner, field: '__proto__' }, 'one')
    await vault.put(tx, { ...owner, field: '__proto__' }, 'two')
    await vault.put(tx, { ...other, field: 'user' }, 'joão')
    assert.deepEqual(Object.entries(await vault.getAll(tx, owner)), [
      ['__proto__', 'two'],
      ['user', 'maria'],
    ])
    await vault.drop(tx, owner)
    assert.deepEqual(await vault.getAll(tx, owner), {})
    return vault.getAll(tx, other)
  })
  assert.deepEqual(rest, { user: 'joão' })
})

test('a secret that was never put is null', async () => {
  const owner = newOwner()
  assert.equal(await inside(owner.tenant_id, (tx) => vault.get(tx, { ...owner, field: 'x' })), null)
})

test('text that UTF-8 cannot hold is refused by the name of its field, unseen', async () => {
  const owner = newOwner()
  const putting = inside(owner.tenant_id, (tx) => vault.put(tx, { ...owner, field: 'token' }, 'abc\ud800'))
  await assert.rejects(putting, (error) => {
    assert.ok(error instanceof Problem && error.occurrence.field === 'token')
    assert.ok(!error.message.includes('abc'))
    return true
  })
})

test('no plaintext, data key or master key stands in the database', async () => {
  const owner = newOwner()
  const plaintext = 'sk_live_do_not_find_me'
  await inside(owner.tenant_id, (tx) => vault.put(tx, { ...owner, field: 'secret_key' }, plaintext))
  const rows = await sql<{ sealed: Buffer; wrapped: Buffer }>`
    select sealed, wrapped from secret join data_key using (tenant_id) where tenant_id = ${owner.tenant_id}`.execute(
    db.owner,
  )
  assert.equal(rows.rows.length, 1)
  for (const bytes of rows.rows.flatMap((row) => [row.sealed, row.wrapped])) {
    assert.ok(!bytes.includes(plaintext) && !bytes.includes(master_key))
  }
  assert.ok(!inspect(vault, { depth: 9, showHidden: true }).includes(master_key.toString('hex').slice(0, 12)))
})

test('a secret moved to another field, owner, version or tenant does not open, nor does a changed one', async () => {
  const [here, there] = [newOwner(), newOwner()]
  const put = (owner: typeof here, field: string) =>
    inside(owner.tenant_id, (tx) => vault.put(tx, { ...owner, field }, `the secret of ${field}`))
  await put(here, 'a')
  await put(there, 'a')
  const [{ sealed }] = (
    await sql<{ sealed: Buffer }>`select sealed from secret where owner_id = ${here.owner_id}`.execute(
      db.owner,
    )
  ).rows as [{ sealed: Buffer }]
  const cannotOpen = (owner: typeof here, field: string) =>
    inside(owner.tenant_id, async (tx) => {
      for (const reader of [vault, stranger()]) {
        await assert.rejects(reader.get(tx, { ...owner, field }), (error) => {
          assert.ok(error instanceof Error && !(error instanceof Problem))
          assert.match(error.message, /^The vault cannot open /)
          assert.ok(!error.message.includes('the secret of'))
          return true
        })
        await assert.rejects(reader.getAll(tx, owner), /^Error: The vault cannot open /)
      }
    })

  await tamper(sql`update secret set sealed = ${sealed} where owner_id = ${there.owner_id}`)
  await cannotOpen(there, 'a') // another tenant's
  await tamper(sql`update secret set field = 'b' where owner_id = ${here.owner_id}`)
  await cannotOpen(here, 'b')
  await tamper(sql`update secret set field = 'a', version = 2 where owner_id = ${here.owner_id}`)
  await cannotOpen(here, 'a')
  const moved = { ...here, owner_id: randomUUID() }
  await tamper(
    sql`update secret set version = 1, owner_id = ${moved.owner_id} where owner_id = ${here.owner_id}`,
  )
  await cannotOpen(moved, 'a')
  const flipped = Buffer.from(sealed)
  flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40)
  await tamper(
    sql`update secret set owner_id = ${here.owner_id}, sealed = ${flipped} where owner_id = ${moved.owner_id}`,
  )
  await cannotOpen(here, 'a')
  await tamper(sql`update secret set sealed = ${sealed} where owner_id = ${here.owner_id}`)
  const got = await inside(here.tenant_id, (tx) => vault.get(tx, { ...here, field: 'a' }))
  assert.equal(got, 'the secret of a') // put back where it was, it opens: the rest was not by chance
})

test('sealed bytes open for their tenant and context, and for nothing else', async () => {
  const [one, two] = [randomUUID(), randomUUID()]
  await inTenants(db, [one, two], async (tx) => {
    await vault.seal(tx, two, 'idempotency', Buffer.from('the other tenant has a key too'))
    const contexts = fc.sample(fc.tuple(fc.string(), fc.string(), fc.uint8Array()), 50)
    for (const [context, other, array] of contexts) {
      const plaintext = Buffer.from(array)
      const sealed = await vault.seal(tx, one, context, plaintext)
      assert.equal(sealed.length, plaintext.length + 33)
      assert.deepEqual(await stranger().open(tx, one, context, sealed), plaintext)
      await assert.rejects(vault.open(tx, two, context, sealed), /^Error: The vault cannot open /)
      if (other !== context) await assert.rejects(vault.open(tx, one, other, sealed), /cannot open /)
    }
    await assert.rejects(vault.open(tx, one, 'c', randomBytes(60)), /^Error: The vault /)
    await assert.rejects(
      vault.open(tx, randomUUID(), 'c', await vault.seal(tx, one, 'c', Buffer.alloc(9))),
      /no data key 1/,
    )
  })
})

test('a tenant whose first secrets are put by many at once gets one data key and one index key', async () => {
  const owner = newOwner()
  const indexes = await Promise.all(
    Array.from({ length: 7 }, (_, i) =>
      inside(owner.tenant_id, async (tx) => {
        const process = stranger()
        await process.put(tx, { ...owner, field: `f${i}` }, `${i}`)
        return process.blindIndex(tx, owner.tenant_id, '123.456.789-09')
      }),
    ),
  )
  assert.equal(new Set(indexes.map((index) => index.toString('hex'))).size, 1)
  const all = await inside(owner.tenant_id, (tx) => vault.getAll(tx, owner))
  assert.deepEqual(all, Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`f${i}`, `${i}`])))
  assert.deepEqual(await versionsOf(owner.tenant_id), [0, 1])
})

test('two who replace one secret at once leave one that opens', async () => {
  const owner = newOwner()
  const ref = { ...owner, field: 'token' }
  for (let round = 0; round < 5; round++) {
    const values = ['left', 'right', 'third'].map((word) => `${word} ${round}`)
    await Promise.all(values.map((value) => inside(owner.tenant_id, (tx) => stranger().put(tx, ref, value))))
    const got = await inside(owner.tenant_id, (tx) => stranger().get(tx, ref))
    assert.ok(got !== null && values.includes(got))
  }
})

for (const [name, use] of Object.entries({
  'a data key': (tx: Tx, v: Vault, tenant_id: string) => v.seal(tx, tenant_id, 'c', Buffer.from('x')),
  'an index key': (tx: Tx, v: Vault, tenant_id: string) => v.blindIndex(tx, tenant_id, 'x'),
  'a rotated key': async (tx: Tx, v: Vault, tenant_id: string) => {
    await v.rotateTenantKey(tx, tenant_id)
    await v.seal(tx, tenant_id, 'c', Buffer.from('x'))
  },
})) {
  test(`${name} that was rolled back is never used again`, async () => {
    const tenant_id = randomUUID()
    const process = stranger()
    const undone = inside(tenant_id, async (tx) => {
      await sql`savepoint s`.execute(tx)
      await use(tx, process, tenant_id)
      await sql`release savepoint s`.execute(tx)
      await use(tx, process, tenant_id)
      throw new Error('undo')
    })
    await assert.rejects(undone, /undo/)
    assert.deepEqual(await versionsOf(tenant_id), [])
    const [sealed, index] = await inside(tenant_id, async (tx) => [
      await process.seal(tx, tenant_id, 'c', Buffer.from('kept')),
      await process.blindIndex(tx, tenant_id, 'kept'),
    ])
    await inside(tenant_id, async (tx) => {
      assert.equal((await stranger().open(tx, tenant_id, 'c', sealed as Buffer)).toString(), 'kept')
      assert.deepEqual(await stranger().blindIndex(tx, tenant_id, 'kept'), index)
    })
  })
}

test('after a rotation old values open, new ones use the new key, and the old are sealed anew in batches', async () => {
  const owner = newOwner()
  const { tenant_id } = owner
  const put = (v: Vault, field: string) =>
    inside(tenant_id, (tx) => v.put(tx, { ...owner, field }, `value ${field}`))
  for (const field of ['a', 'b', 'c', 'd', 'e']) await put(vault, field)
  const before = await inside(tenant_id, async (tx) => ({
    sealed: await vault.seal(tx, tenant_id, 'answer', Buffer.from('kept by the caller')),
    index: await vault.blindIndex(tx, tenant_id, 'Maria@Example.com'),
  }))

  assert.equal(await inside(tenant_id, (tx) => vault.rotateTenantKey(tx, tenant_id)), 2)
  const at_once = await inside(tenant_id, (tx) => vault.seal(tx, tenant_id, 'answer', Buffer.from('x')))
  assert.equal(at_once.readUInt32BE(1), 2)
  await put(vault, 'f')
  assert.deepEqual(await keysInUse(tenant_id), { 1: 5, 2: 1 })
  const batches: { sealed: number; remaining: number }[] = []
  do batches.push(await inside(tenant_id, (tx) => vault.resealBatch(tx, tenant_id, 2)))
  while (batches.at(-1)?.remaining !== 0)
  assert.deepEqual(
    batches.map(({ sealed, remaining }) => [sealed, remaining]),
    [
      [2, 3],
      [2, 1],
      [1, 0],
    ],
  )
  assert.deepEqual(await keysInUse(tenant_id), { 2: 6 })

  await inside(tenant_id, async (tx) => {
    const all = await stranger().getAll(tx, owner)
    assert.deepEqual(all, Object.fromEntries([...'abcdef'].map((field) => [field, `value ${field}`])))
    const opened = await vault.open(tx, tenant_id, 'answer', before.sealed)
    assert.equal(opened.toString(), 'kept by the caller')
    assert.deepEqual(await stranger().blindIndex(tx, tenant_id, ' maria@example.com'), before.index)
  })
})

test('a process that did not hear of a rotation seals with the new key within 30 s', async () => {
  const tenant_id = randomUUID()
  let now_ms = 0
  const deaf = newVault({ now: () => new Date(), monotonic: () => now_ms })
  const keyUsed = async () => {
    const sealed = await inside(tenant_id, (tx) => deaf.seal(tx, tenant_id, 'c', Buffer.from('x')))
    return sealed.readUInt32BE(1)
  }
  await keyUsed()
  await keyUsed()
  await inside(tenant_id, (tx) => stranger().rotateTenantKey(tx, tenant_id))
  now_ms = 29_999
  assert.equal(await keyUsed(), 1)
  now_ms = 30_000
  assert.equal(await keyUsed(), 2)
})

test('two rotations at once leave keys that open', async () => {
  const tenant_id = randomUUID()
  await inside(tenant_id, (tx) => vault.rotateTenantKey(tx, tenant_id))
  const made = await Promise.all(
    [1, 2, 3].map(() => inside(tenant_id, (tx) => stranger().rotateTenantKey(tx, tenant_id))),
  )
  const sealed = await inside(tenant_id, (tx) => stranger().seal(tx, tenant_id, 'c', Buffer.from('x')))
  assert.equal(sealed.readUInt32BE(1), Math.max(...made))
  await inside(tenant_id, (tx) => stranger().open(tx, tenant_id, 'c', sealed))
})

test('replacing and sealing anew at once lose no replacement', async () => {
  const owner = newOwner()
  const { tenant_id } = owner
  const fields = Array.from({ length: 12 }, (_, i) => `f${i}`)
  const putAll = (word: string) =>
    Promise.all(fields.map((field) => inside(tenant_id, (tx) => vault.put(tx, { ...owner, field }, word))))
  await putAll('old')
  await inside(tenant_id, (tx) => vault.rotateTenantKey(tx, tenant_id))
  const reseal = async () => {
    while ((await inside(tenant_id, (tx) => vault.resealBatch(tx, tenant_id, 3))).remaining > 0);
  }
  await Promise.all([reseal(), putAll('new'), reseal()])
  const all = await inside(tenant_id, (tx) => stranger().getAll(tx, owner))
  assert.deepEqual(new Set(Object.values(all)), new Set(['new']))
})

test('under a new master key the old one still opens until every key is wrapped anew, and then is not needed', async () => {
  const owner = newOwner()
  const { tenant_id } = owner
  const ref = { ...owner, field: 'token' }
  const index = await inside(tenant_id, async (tx) => {
    await vault.put(tx, ref, 'survives')
    await vault.rotateTenantKey(tx, tenant_id)
    return vault.blindIndex(tx, tenant_id, 'maria')
  })
  const new_master = randomBytes(32)
  const both = createVault({ master_key: new_master, previous_master_keys: [master_key], clock: systemClock })
  const only_new = () => createVault({ master_key: new_master, clock: systemClock })

  assert.equal(await inside(tenant_id, (tx) => both.get(tx, ref)), 'survives')
  assert.ok((await only_new().missingMasters(db.owner)).includes(vault.master))
  await assert.rejects(
    inside(tenant_id, (tx) => only_new().get(tx, ref)),
    (error: Error) => error.message.includes('TRILHO_MASTER_KEY') && error.message.includes(vault.master),
  )
  assert.equal(await inside(tenant_id, (tx) => both.rewrap(tx, tenant_id)), 3)
  assert.equal(await inside(tenant_id, (tx) => both.rewrap(tx, tenant_id)), 0)
  await inside(tenant_id, async (tx) => {
    assert.equal(await only_new().get(tx, ref), 'survives')
    assert.deepEqual(await only_new().blindIndex(tx, tenant_id, 'maria'), index)
    await assert.rejects(stranger().get(tx, ref), /TRILHO_MASTER_KEY/)
  })
})

test('a wrapped key moved to another tenant or version, or passed off as another master’s, does not open', async () => {
  const owner = newOwner()
  const { tenant_id } = owner
  const ref = { ...owner, field: 'token' }
  await inside(tenant_id, (tx) => vault.put(tx, ref, 'x'))
  await inside(tenant_id, (tx) => vault.blindIndex(tx, tenant_id, 'x'))
  const other = createVault({
    master_key: randomBytes(32),
    previous_master_keys: [master_key],
    clock: systemClock,
  })
  const cannotOpen = (reader: Vault) =>
    assert.rejects(
      inside(tenant_id, (tx) => reader.get(tx, ref)),
      /^Error: The vault cannot open \["data key"/,
    )
  await tamper(sql`update data_key set master = ${other.master} where tenant_id = ${tenant_id}`)
  await cannotOpen(other)
  await tamper(sql`update data_key set master = ${vault.master} where tenant_id = ${tenant_id}`)
  const swap = async () => {
    await tamper(sql`update data_key set version = version - 2 where tenant_id = ${tenant_id}`)
    await tamper(sql`update data_key set version = -1 - version where tenant_id = ${tenant_id}`)
  }
  await swap()
  await cannotOpen(stranger()) // the index key in the data key's place
  await swap()
  const flip = sql`set_byte(wrapped, 50, get_byte(wrapped, 50) # 1)`
  await tamper(sql`update data_key set wrapped = ${flip} where tenant_id = ${tenant_id}`)
  await cannotOpen(stranger())
  await tamper(sql`update data_key set wrapped = ${flip} where tenant_id = ${tenant_id}`)
  assert.equal(await inside(tenant_id, (tx) => stranger().get(tx, ref)), 'x') // all put back: it opens
  const lent = newOwner().tenant_id
  await inside(lent, (tx) => vault.seal(tx, lent, 'c', Buffer.from('x')))
  await tamper(sql`update data_key k set wrapped = l.wrapped from data_key l
    where k.tenant_id = ${tenant_id} and l.tenant_id = ${lent} and k.version = l.version`)
  await cannotOpen(stranger())
})

test('a tenant sees neither the secrets nor the keys of another, whatever it asks for', async () => {
  const [mine, theirs] = [newOwner(), newOwner()]
  await inside(theirs.tenant_id, (tx) => vault.put(tx, { ...theirs, field: 'token' }, 'theirs'))
  await inside(mine.tenant_id, async (tx) => {
    assert.equal(await vault.get(tx, { ...theirs, field: 'token' }), null)
    assert.deepEqual(await vault.getAll(tx, theirs), {})
    await vault.drop(tx, theirs)
  })
  await assert.rejects(
    inside(mine.tenant_id, (tx) => vault.put(tx, { ...theirs, field: 'token' }, 'mine')),
    /row-level security/,
  )
  assert.equal(await inside(theirs.tenant_id, (tx) => vault.get(tx, { ...theirs, field: 'token' })), 'theirs')
})

test('more tenants than the vault may remember are served all the same', async () => {
  const small = createVault({ master_key, clock: systemClock, remembered_keys: 2 })
  const tenants = Array.from({ length: 5 }, () => randomUUID())
  const sealed = new Map<string, Buffer>()
  for (const id of tenants) sealed.set(id, await inside(id, (tx) => small.seal(tx, id, 'c', Buffer.from(id))))
  for (const [id, bytes] of [...sealed, ...sealed]) {
    assert.equal((await inside(id, (tx) => small.open(tx, id, 'c', bytes))).toString(), id)
  }
})

async function versionsOf(tenant_id: string): Promise<number[]> {
  const { rows } = await sql<{ version: number }>`
    select version from data_key where tenant_id = ${tenant_id} order by version`.execute(db.owner)
  return rows.map((row) => row.version)
}

async function keysInUse(tenant_id: string): Promise<Record<number, number>> {
  const { rows } = await sql<{ key: number; sealed: Buffer }>`
    select key, sealed from secret where tenant_id = ${tenant_id}`.execute(db.owner)
  for (const row of rows) assert.equal(row.sealed.readUInt32BE(1), row.key)
  return Object.fromEntries([...Map.groupBy(rows, (row) => row.key)].map(([key, of]) => [key, of.length]))
}
