import { type SelectQueryBuilder, sql } from 'kysely'

/**
 * A page of rows, newest first: those whose columns are as `wanted` (null or undefined: whatever they are), from the one
 * after `before` on. One more than `limit`, so that who shows them knows whether there are more.
 */
export const newest =
  (wanted: Readonly<Record<string, string | null | undefined>>, limit: number, before: string | null) =>
  <Tables, Table extends keyof Tables, Row>(
    query: SelectQueryBuilder<Tables, Table, Row>,
  ): SelectQueryBuilder<Tables, Table, Row> => {
    let page = query
    for (const [column, value] of Object.entries(wanted))
      if (value !== null && value !== undefined) page = page.where(column as never, '=', value as never)
    if (before !== null) page = page.where('id' as never, '<', before as never)
    return page.orderBy('id' as never, 'desc').limit(limit + 1)
  }

/**
 * Where a page stopped that looked at the `most` newest rows of `found`, since no index leads to what it was asked for: the id
 * of the oldest of them, null where there are fewer.
 */
export async function reachedIn<Tables, Table extends keyof Tables>(
  found: SelectQueryBuilder<Tables, Table, object>,
  most: number,
): Promise<string | null> {
  const last = await found
    .select('id' as never)
    .offset(sql.raw<number>(String(most - 1))) // in the text, where the planner and the reader see it
    .limit(1)
    .executeTakeFirst()
  return (last as { id: string } | undefined)?.id ?? null
}
