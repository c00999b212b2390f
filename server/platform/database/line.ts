import { sql } from 'kysely'
import pg from 'pg'
import type { Log } from '../log.ts'
import type { Channel, Db } from './database.ts'

/**
 * One LISTEN connection per process. NOTIFY inside a transaction halves the commit rate, so it is sent after
 * the commit, for everything of the last few milliseconds at once.
 */
type Line = {
  ready: Promise<void>
  listen(channel: Channel, on: (payload: string) => void): void
  notify(channel: Channel, payload: string): void
  tell(channel: Channel, payload: string): void
  listening(): boolean
  close(): Promise<void>
}

const CHANNELS: Channel[] = ['trilho_config', 'trilho_inbox', 'trilho_delivery', 'trilho_job', 'trilho_call']
const NAME = 'trilho_line'
const GATHER_MS = 5
const RECONNECT_MS = 250

type Options = {
  url: string
  process_id: string
  sign: string | undefined
  send: pg.Pool
  log: Log
}

export function openLine({ url, process_id, sign, send, log }: Options): Line {
  const listeners = new Map<Channel, ((payload: string) => void)[]>()
  const waiting = new Map<string, { channel: Channel; payload: string }>()
  let client: pg.Client | null = null
  let up = false
  let closed = false
  let gather: NodeJS.Timeout | null = null
  let reconnect: NodeJS.Timeout | null = null
  let sending: Promise<unknown> = Promise.resolve()

  const tell = (channel: Channel, payload: string) => {
    for (const on of listeners.get(channel) ?? []) on(payload)
  }

  const lost = (why: unknown) => {
    if (!up && reconnect) return
    up = false
    client?.removeAllListeners('end')
    client?.end().catch(() => {})
    if (closed) return
    log.warn({ crossing: 'database', err: why }, 'the notification line is down')
    reconnect = setTimeout(() => connect().catch(lost), RECONNECT_MS)
  }

  async function connect(): Promise<void> {
    reconnect = null
    client = new pg.Client({
      connectionString: url,
      application_name: sign === undefined ? NAME : `${NAME} ${sign}`,
      keepAlive: true,
      options: '-c role=trilho_app',
    })
    client.on('error', lost)
    client.on('end', () => lost(null))
    client.on('notification', ({ channel, payload }) => {
      const [from, rest] = split(payload ?? '')
      if (from !== process_id) tell(channel as Channel, rest)
    })
    await client.connect()
    await client.query(CHANNELS.map((channel) => `listen ${channel}`).join('; '))
    up = true
    for (const channel of CHANNELS) tell(channel, '') // what was said meanwhile was not heard
  }

  const flush = async () => {
    const batch = [...waiting.values()]
    waiting.clear()
    gather = null
    await send
      .query({
        name: 'notify',
        text: 'select pg_notify(c, p) from unnest($1::text[], $2::text[]) n(c, p)',
        values: [batch.map((n) => n.channel), batch.map((n) => `${process_id} ${n.payload}`)],
      })
      .catch((error) => log.warn({ crossing: 'database', err: error }, 'a notification was not sent'))
  }

  return {
    ready: connect(),
    listen: (channel, on) => listeners.set(channel, [...(listeners.get(channel) ?? []), on]),
    notify: (channel, payload) => {
      tell(channel, payload)
      waiting.set(`${channel} ${payload}`, { channel, payload })
      gather ??= setTimeout(() => {
        sending = flush()
      }, GATHER_MS)
    },
    tell,
    listening: () => up,
    close: async () => {
      closed = true
      if (gather) {
        clearTimeout(gather)
        sending = flush()
      }
      if (reconnect) clearTimeout(reconnect)
      await sending
      client?.removeAllListeners('end')
      await client?.end().catch(() => {})
    },
  }
}

/** What the processes that are connected at this moment show as their `sign`. */
export async function listSigns(db: Db): Promise<string[]> {
  const { rows } = await sql<{ sign: string }>`
    select split_part(application_name, ' ', 2) as sign from pg_stat_activity
     where datname = current_database() and application_name like ${`${NAME} %`}`.execute(db)
  return rows.map(({ sign }) => sign)
}

function split(payload: string): [from: string, rest: string] {
  const space = payload.indexOf(' ')
  return [payload.slice(0, space), payload.slice(space + 1)]
}
