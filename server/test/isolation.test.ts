import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import Type, { type TSchema } from 'typebox'
import type { Routes } from '../modules/app.ts'
import { readSubscription } from '../modules/outbound/outbound.ts'
import { IdParams } from '../modules/wire.ts'
import { Problem } from '../platform/errors.ts'
import { fromWire } from '../platform/ids.ts'
import { type Customer, isPortals, makeCustomer, tryAsCustomer, tryBeyondPortal } from './isolation/portal.ts'
import {
  closedToOwn,
  type Door,
  hiddenRoutes,
  rowsOf,
  tryAsTenant,
  tryWithIdsOf,
  tryWithoutKey,
  tryWithoutScope,
} from './isolation/routes.ts'
import { readLeaks } from './isolation/rules.ts'
import { tryTable } from './isolation/strangers.ts'
import { makeRows, quoted, readTables, TALLIES, type Table } from './world/catalog.ts'
import { operationsOf } from './world/operations.ts'
import { fillTables, makeWorld, openDoor, sender, type World } from './world/world.ts'

/**
 * The proof that tenants are apart: every table of the catalog and every route of the OpenAPI document is tried with
 * another tenant's key and ids. Then leaks are made on purpose, to see that each is found.
 */
let world: World
let tables: Table[]

before(async () => {
  world = await makeWorld()
  await world.stopWorkers()
  tables = await fillTables(world)
})

describe('in the database', () => {
  test('no rule of isolation is broken', async () => {
    assert.deepEqual(await readLeaks(world.app.db.owner.pool), [])
  })

  test('a tenant meets no row of another in any table, nor does who has no tenant', async () => {
    const found: string[] = []
    for (const table of tables)
      found.push(...(await tryTable(world.app.db, table, world.a.tenant_id, world.b.tenant_id)))
    assert.deepEqual(found, [])
    assert.ok(tables.length > 20)
  })

  test('the owner backs up as many rows as there are', async () => {
    const { rows: self } = await superuser('select rolsuper from pg_roles where rolname = session_user')
    if (!self[0]?.['rolsuper']) return // nobody else can say how many there are
    for (const { name } of tables) {
      // One snapshot for both: some tables are still written to.
      const { rows } = await superuser(
        `select count(*)::int as n from ${quoted(name)}`,
        'set local role trilho_owner',
        `select count(*)::int as n from ${quoted(name)}`,
      )
      assert.deepEqual(rows[1], rows[0], name)
      assert.notDeepEqual(rows[0], { n: 0 }, name)
    }
  })
})

/** As the login itself, whom no policy binds. */
async function superuser(...statements: string[]): Promise<{ rows: Record<string, unknown>[] }> {
  const client = await world.app.db.owner.pool.connect()
  const rows: Record<string, unknown>[] = []
  try {
    await client.query('begin isolation level repeatable read; set local role none')
    for (const statement of statements) rows.push(...(await client.query(statement)).rows)
    return { rows }
  } finally {
    await client.query('rollback')
    client.release()
  }
}

describe('at the door', () => {
  test('nobody comes in without a key, but where everybody may', async () => {
    assert.deepEqual(await tryWithoutKey(world), [])
  })

  test('every route is in the document, but those that are listed here', async () => {
    assert.deepEqual(hiddenRoutes(world), HIDDEN)
  })

  test('a key is refused wherever it lacks the scope', async () => {
    assert.deepEqual(await tryWithoutScope(world, world.a, world), [])
  })

  test('nobody but an administrator chooses the tenant', async () => {
    assert.deepEqual(await tryAsTenant(world, world.a, world.b), [])
  })

  test("a tenant neither sees, changes nor learns of what is another tenant's", async () => {
    const { a, b, app } = world
    assert.deepEqual(await tryWithIdsOf(world, a, b, app.db.owner.pool, tables), [])
  })
})

const HIDDEN = [
  'DELETE /webhooks/:provider/:source', // what no source takes, answered by it
  'DELETE /webhooks/:provider/:source/:token',
  'GET /assets/:name', // of the dashboard
  'GET /docs',
  'GET /docs/',
  'GET /docs/js/scalar.js',
  'GET /openapi.json',
  'GET /portal/:link', // the page of a customer
  'POST /oauth/callback', // the form of what stands behind the #
  'POST /oauth/token/', // the other spelling of /oauth/token
]

describe('in the portal', () => {
  let [mine, theirs]: Customer[] = []
  before(async () => {
    mine = await makeCustomer(world, world.a, 'shop-1')
    theirs = await makeCustomer(world, world.a, 'shop-2')
  })
  const tried = async (door: Door): Promise<string[]> => {
    assert.ok(mine && theirs)
    const rows = async () => {
      const all = await rowsOf(world.app.db.owner.pool, tables, world.a.tenant_id)
      for (const name of TALLIES) all.delete(name)
      return all
    }
    return tryAsCustomer(door, mine, theirs, rows)
  }

  test('a customer neither sees, changes nor learns of what is another customer’s', async () => {
    assert.ok(world.operations.filter(isPortals).length > 10)
    assert.deepEqual(await tried(world), [])
  })

  test('a link opens the portal and nothing else', async () => {
    assert.ok(mine)
    assert.deepEqual(await tryBeyondPortal(world, mine), [])
  })

  test('a route that forgets to ask whose a thing is, is found', async () => {
    const forgetful: Routes = (http, app) => {
      const schema = { ...described('leak'), params: IdParams }
      http.get('/v1/portal/leaks/:id', { config: { access: 'portal' }, schema }, ({ actor, params }) =>
        readSubscription(app, actor, params.id),
      )
    }
    const { http, url } = await openDoor(world.app, [forgetful])
    const leaks = await tried({ send: sender(url), operations: operationsOf(http) })
    assert.deepEqual(leaks, ["leak answers 200 to the id of another customer's"])
  })
})

describe('a leaky route is found', () => {
  const read = { config: { access: 'connections:read' as const } }
  const cases: Record<string, { room: Routes; found: RegExp }> = {
    'a list that reads as the owner': {
      room: (http, app) => {
        http.get('/v1/leaks', { ...read, schema: described('leak', List) }, async () => {
          const { rows } = await app.db.owner.pool.query('select id, name from source')
          return { data: rows, next_cursor: null }
        })
      },
      found: /leak shows what is another's/,
    },
    'a reading that asks for no tenant': {
      room: (http, app) => {
        const schema = { ...described('leak'), params: IdParams }
        http.get('/v1/sources/:id/leak', { ...read, schema }, async ({ params }) => {
          const id = fromWire('source', params.id)
          const { rows } = await app.db.owner.pool.query('select name from source where id = $1', [id])
          return rows
        })
      },
      found: /leak answers 200 to the id of another's/,
    },
    'a change that says it found nothing': {
      room: (http, app) => {
        const config = { access: 'sources:write' as const }
        const schema = { ...described('leak'), params: IdParams }
        http.post('/v1/sources/:id/leak', { config, schema }, async ({ params }) => {
          const id = fromWire('source', params.id)
          await app.db.owner.pool.query("update source set name = name || '!' where id = $1", [id])
          throw new Problem('not_found', { detail: 'there is nothing here' })
        })
      },
      found: /the rows of another in source were changed/,
    },
    'an id nobody can try': {
      room: (http) => {
        const schema = { ...described('leak'), params: IdParams }
        http.get('/v1/unlisted/:id', { ...read, schema }, async () => ({}))
      },
      found: /leak: \/v1\/unlisted gives no id to try/,
    },
    'a door without a lock': {
      room: (http) => {
        http.get('/v1/leak', { config: { access: 'public' }, schema: described('leak') }, async () => ({}))
      },
      found: /leak is open to everybody and is not listed/,
    },
  }
  for (const [what, { room, found }] of Object.entries(cases)) {
    test(what, async () => {
      const { a, b, app } = world
      const { http, url } = await openDoor(app, [room])
      const all = operationsOf(http)
      const send = sender(url)
      // The lists stay, since the ids to try come from them.
      const operations = all.filter(({ id, is_list }) => id === 'leak' || is_list)
      const leaks = [
        ...(await tryWithoutKey({ send, operations })),
        ...(await tryWithIdsOf({ send, operations }, a, b, app.db.owner.pool, tables)),
      ]
      assert.match(leaks.join('\n'), found)
    })
  }
})

const List = Type.Object({ data: Type.Array(Type.Unknown()), next_cursor: Type.Null() })
const described = (operationId: string, answer: TSchema = Type.Unknown()) => ({
  operationId,
  summary: 'Leaks',
  response: { 200: answer },
})

describe('a leak made on purpose is found', () => {
  const closed = "call isolate('leak'); grant select, insert, update, delete on leak to trilho_app;"
  const cases: Record<string, { leak: string; undo?: string; found: RegExp }> = {
    'a table without row-level security': {
      leak: 'grant select, insert, update, delete on leak to trilho_app',
      found: /leak: a tenant sees 1 rows of others/,
    },
    'a table that binds its owner no longer': {
      leak: `${closed} alter table leak no force row level security`,
      found: /leak does not force/,
    },
    'a policy for all': {
      leak: `${closed} create policy seen on leak to trilho_app using (true)`,
      found: /policy seen on leak lets trilho_app at true/,
    },
    'a policy that names the tenants and lets everybody in': {
      leak: `${closed} drop policy own on leak; create policy own on leak to trilho_app using (tenant_id = any (current_tenants()) or tenant_id is not null)`,
      found: /leak: nobody deletes rows of another/,
    },
    'a policy that reads rightly and writes anything': {
      leak: `${closed} create policy put on leak for insert to trilho_app with check (true)`,
      found: /leak: a tenant inserts a row for another, which meets error: duplicate key/,
    },
    'a configuration table open to the worker': {
      leak: "call isolate('leak'); call open_to_worker('leak', 'select')",
      found: /policy queue on leak lets trilho_worker at true/,
    },
    'a table of nobody': {
      leak: 'alter table leak rename column tenant_id to company_id',
      found: /leak has no tenant_id and is not listed/,
    },
    'a table without its owner': {
      leak: `${closed} drop policy owner on leak`,
      found: /leak has no policy for its owner/,
    },
    'a right on a partition': {
      leak: "alter table leak rename to unused; do $$ declare p regclass; begin select inhrelid into p from pg_inherits limit 1; execute format('grant select on %s to trilho_app', p); end $$",
      undo: "alter table unused rename to leak; do $$ declare p regclass; begin select inhrelid into p from pg_inherits limit 1; execute format('revoke select on %s from trilho_app', p); end $$",
      found: /trilho_app may select on the partition/,
    },
    'a view': {
      leak: 'create view leaking as select * from source; grant select on leaking to trilho_app',
      undo: 'drop view leaking',
      found: /the view leaking reads as its owner/,
    },
    'a function with the rights of its owner': {
      leak: "create function leaking() returns bigint language sql security definer as 'select count(*) from source'",
      undo: 'drop function leaking',
      found: /leaking\(\) runs with the rights of trilho_owner and is not listed/,
    },
  }
  for (const [what, { leak, undo, found }] of Object.entries(cases)) {
    test(what, async () => {
      const { pool } = world.app.db.owner
      await pool.query(`create table leak (tenant_id uuid, id uuid primary key, note text)`)
      try {
        const [made] = (await readTables(pool)).filter(({ name }) => name === 'leak')
        assert.ok(made)
        await makeRows(pool, made, world.b.tenant_id, 1)
        await pool.query(leak)
        const [table] = (await readTables(pool)).filter(({ name }) => name === 'leak')
        const leaks = await readLeaks(pool)
        if (table) leaks.push(...(await tryTable(world.app.db, table, world.a.tenant_id, world.b.tenant_id)))
        assert.match(leaks.join('\n'), found)
      } finally {
        await pool.query(`${undo ?? ''}; drop table leak`)
      }
    })
  }
})

test('the ids that were refused to another are real: their own tenant is let in', async () => {
  assert.deepEqual(await closedToOwn(world, world.b), [])
})
