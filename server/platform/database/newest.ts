import type { SelectQueryBuilder } from 'kysely'

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
