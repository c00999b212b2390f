import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { byteas, int2s, int4s, int8s, texts, uuids } from './arrays.ts'

test('PostgreSQL reads a list as it was given, whatever its letters and bytes, and an empty one too', async () => {
  const client = new pg.Client({ connectionString: await testDatabaseUrl() })
  await client.connect()
  undoAfter(() => client.end())
  const lists = [
    { ids: [], words: [], bytes: [], small: [], large: [], wide: [] },
    {
      ids: [
        '0197f0c2-1b2a-7c3d-8e4f-0123456789ab',
        null,
        '00000000-0000-0000-0000-000000000000',
        '00000000-0000-0000-0000-000000000000',
      ],
      words: ['"quoted", {braced} \\ ção 🚆', '', null],
      bytes: [Buffer.from([0, 255, 92, 34]), null, Buffer.alloc(0)],
      small: [-32_768, null, 0, 32_767],
      large: [-2_147_483_648, 2_147_483_647, null],
      wide: [-9_007_199_254_740_991, 9_007_199_254_740_991, null],
    },
  ]
  for (const { ids, words, bytes, small, large, wide } of lists) {
    const { rows } = await client.query(
      'select $1::uuid[] as ids, $2::text[] as words, $3::bytea[] as bytes, $4::int2[] as small, $5::int4[] as large, $6::int8[]::float8[] as wide',
      [uuids(ids), texts(words), byteas(bytes), int2s(small), int4s(large), int8s(wide)],
    )
    assert.deepEqual(rows, [{ ids, words, bytes, small, large, wide }])
  }
})
