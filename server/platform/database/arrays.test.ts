import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { byteas, texts, uuids } from './arrays.ts'

test('PostgreSQL reads a list as it was given, whatever its letters and bytes, and an empty one too', async () => {
  const client = new pg.Client({ connectionString: await testDatabaseUrl() })
  await client.connect()
  undoAfter(() => client.end())
  const lists = [
    { ids: [], words: [], bytes: [] },
    {
      ids: ['0197f0c2-1b2a-7c3d-8e4f-0123456789ab', '00000000-0000-0000-0000-000000000000'],
      words: ['"quoted", {braced} \\ ção 🚆', ''],
      bytes: [Buffer.from([0, 255, 92, 34]), Buffer.alloc(0)],
    },
  ]
  for (const { ids, words, bytes } of lists) {
    const { rows } = await client.query(
      'select $1::uuid[] as ids, $2::text[] as words, $3::bytea[] as bytes',
      [uuids(ids), texts(words), byteas(bytes)],
    )
    assert.deepEqual(rows, [{ ids, words, bytes }])
  }
})
