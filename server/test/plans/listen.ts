import type pg from 'pg'
import type { Database } from '../../platform/database/database.ts'
import { maintain } from '../postgres.ts'

/** A node of a plan as `auto_explain` tells it, as far as it is read here. */
export type Node = {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows'?: number
  'Actual Loops'?: number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Node[]
}

/** A statement that the product sent, with the plan by which PostgreSQL really ran it. */
export type Explained = { role: Role; text: string; plan: Node }
export type Role = 'app' | 'worker' | 'ingest'

/**
 * From now on every new session of this database tells its plans to its own client: what runs is what is judged,
 * with its values, its prepared plan and the functions inside of it. False where the login may not have it so.
 */
export async function tellPlans(url: string): Promise<boolean> {
  const name = new URL(url).pathname.slice(1)
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
    'auto_explain.log_nested_statements': 'on',
  }
  const set = Object.entries(settings).map(([key, value]) => `alter database ${name} set ${key} = '${value}'`)
  return maintain(url, ...set).then(
    () => true,
    () => false,
  )
}

/** Hears the plans of all sessions that serve requests or work. */
export function hearPlans(db: Database): Explained[] {
  const heard: Explained[] = []
  const known = new WeakSet<pg.PoolClient>()
  for (const role of ['app', 'worker', 'ingest'] as const) {
    db[role].pool.on('acquire', (client) => {
      if (known.has(client)) return
      known.add(client)
      client.on('notice', ({ message = '' }) => {
        const [, json] = /^duration: .* plan:\n([\s\S]*)$/.exec(message) ?? []
        if (json === undefined) return
        const told = JSON.parse(json) as { 'Query Text': string; Plan: Node }
        heard.push({ role, text: told['Query Text'].replace(/\s+/g, ' ').trim(), plan: told.Plan })
      })
    })
  }
  return heard
}
