import type { Socket } from 'node:net'
import type { ParamType, Value } from './statement.ts'

/** What a database is to the transport: a small part of what its client can do, the same of each. */
export type Place = {
  host: string
  port: number
  database: string
  username: string
  password: string
  tls: 'verify' | 'encrypt' | 'off'
  /** Trusted instead of the public authorities, in PEM. */
  authority: string | undefined
  /** Where MongoDB keeps the user. */
  auth_database: string
}

/** A socket by the guarded way, which no engine goes around; it is ended with the session that asked for it. */
export type Dial = (to: { host: string; port: number }) => Promise<Socket>

export type Rows = { rows: Record<string, unknown>[]; row_count: number; truncated: boolean }

export type Query = {
  text: string
  /** One for each place in the text, with its name and its type beside it. */
  values: Value[]
  names: string[]
  types: ParamType[]
  kind: 'read' | 'write'
  max_rows: number
  max_bytes: number
  timeout_ms: number
}

export type Session = {
  /**
   * Runs a statement in a transaction of its own. `committing` is called when the commit is about to be sent: what
   * fails before that has done nothing.
   */
  run(query: Query, committing: () => void): Promise<Rows>
  /** Ends it at once, whatever it does. */
  destroy(): void
  /** An idle session does not keep the process alive. */
  hold(is_held: boolean): void
}

/** What the database said no to; anything else that is thrown is trouble on the way. `ended`: the session with it. */
export type Said = { status: number; code: string; message: string; ended: boolean }

export type Engine = {
  open(dial: Dial, place: Place): Promise<Session>
  /** Null where the error is not the database's own. */
  said(error: unknown): Said | null
}

/** Collects rows up to a number and a size; `full` is called where there are more, and ends the session. */
export function collector(max_rows: number, max_bytes: number, full: () => void) {
  const rows: Record<string, unknown>[] = []
  let bytes = 0
  let truncated = false
  return {
    take(row: Record<string, unknown>): void {
      if (truncated) return
      bytes += JSON.stringify(row).length
      if (rows.length < max_rows && bytes <= max_bytes) {
        rows.push(row)
        return
      }
      truncated = true
      full()
    },
    /** `row_count` is what the database says; a read that was cut off has none. */
    result: (row_count: number): Rows => ({ rows, row_count: Math.max(row_count, rows.length), truncated }),
    isFull: () => truncated,
  }
}
