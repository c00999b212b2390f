import { answers, fromJson, type Kept, type KeptJson, keptFor_s, toJson } from '../../kit/cache.ts'
import { coversPath } from '../../kit/cache_key.ts'
import { type CacheMemory, createCacheMemory } from '../../kit/cache_memory.ts'
import { forget, inTenant, once, type Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { cacheBodies } from './cache_bodies.ts'
import type { Place } from './cache_queries.ts'
import * as queries from './cache_queries.ts'
import type { CacheNote } from './cache_schema.ts'
import type { Performed } from './perform.ts'
import type { Outcome } from './queries.ts'

/**
 * Where answers are kept: in this process within a budget of bytes, and sealed in PostgreSQL or Redis for all. What is
 * dropped is gone everywhere with the commit that says so; an answer that was under way then is given to those who
 * asked before, and kept nowhere.
 */
export type Stored = {
  kept: Kept
  path: string
  call_id: string
  state: Outcome
  error: string | null
  status: number
  headers: Readonly<Record<string, string>>
  body: Buffer
}

/** A read under way. What makes it worthless while it is, spoils it. */
export type Flight = {
  connection_id: string
  path: string
  /** The headers of whoever began it. */
  sent: Readonly<Record<string, string>>
  spoiled: boolean
}
export type Noted = Performed & { cache: CacheNote }

type Store = {
  memory: CacheMemory<Stored>
  /** Those that others may join: nothing has spoiled them. */
  flights: Map<string, { flight: Flight; answer: Promise<Noted> }>
  /** What is being written. */
  writing: Set<Promise<unknown>>
  /** Droppings of this process's own, which it hears of twice: at their commit, and with all the others. */
  mine: Map<string, 'said' | 'heard'>
}

const MB = 1024 * 1024
/** A longer answer is not kept. */
export const MOST_ANSWER_BYTES = 2 * MB
const TOPIC = 'cached_answer'

export const storeOf = once((app: App): Store => {
  const memory = createCacheMemory<Stored>(app.config.cache_memory_mb * MB)
  const flights: Store['flights'] = new Map()
  const mine: Store['mine'] = new Map()
  const spoil = (is: (flight: Flight) => boolean) => {
    for (const [id, { flight }] of flights) {
      if (!is(flight)) continue
      flight.spoiled = true
      flights.delete(id)
    }
  }
  app.telemetry.gauge('trilho_cache_memory_bytes', memory.bytes)
  app.db.listen('trilho_config', (payload) => {
    const [topic, connection_id = '', pattern = '', id = ''] = payload.split(' ')
    if (payload === '') {
      memory.clear()
      spoil(() => true)
    } else if (topic === TOPIC && mine.get(id) === 'heard') {
      mine.delete(id) // what was fetched since is newer
    } else if (topic === TOPIC) {
      if (mine.has(id)) mine.set(id, 'heard')
      memory.drop(connection_id, ({ path }) => coversPath(pattern, path))
      spoil((flight) => flight.connection_id === connection_id && coversPath(pattern, flight.path))
    }
  })
  return { memory, flights, writing: new Set(), mine }
})

/** What this process remembers; nothing while it would not hear that something was dropped. */
export function recall(app: App, key: string, sent: Readonly<Record<string, string>>): Stored | null {
  const stored = app.db.listening() ? storeOf(app).memory.get(key) : undefined
  return stored && answers(stored.kept, sent) ? stored : null
}

export function remember(app: App, place: Place, key: string, stored: Stored): void {
  if (!app.db.listening()) return
  const bytes = stored.body.length + JSON.stringify(stored.headers).length + OVERHEAD_BYTES
  storeOf(app).memory.set(key, { owner: place.connection_id, value: stored, bytes })
}

const OVERHEAD_BYTES = 1000

/** What PostgreSQL has, and the epoch by which an answer may be put there. */
export async function look(
  app: App,
  place: Place,
  key: string,
  sent: Readonly<Record<string, string>>,
): Promise<{ epoch: string; stored: Stored | null }> {
  const { tenant_id } = place
  const found = await queries.findAnswer(app.db.worker, place, key)
  if (!found) await inTenant(app.db, tenant_id, (tx) => queries.openSpace(tx, place))
  const epoch = found?.epoch ?? FIRST_EPOCH
  const sealed = found && (await bodyOf(app, key, found))
  if (!sealed) return { epoch, stored: null }
  const context = contextOf(place, key)
  const opened = await inTenant(app.db, tenant_id, (tx) => app.vault.open(tx, tenant_id, context, sealed))
  const stored = unpack(opened)
  return { epoch, stored: answers(stored.kept, sent) ? stored : null }
}

/** In Redis where PostgreSQL knows of the answer and has not its body; null where nobody has it. */
async function bodyOf(app: App, key: string, { sealed, call_id }: queries.Found): Promise<Buffer | null> {
  if (sealed === null || sealed.length > 0) return sealed
  return cacheBodies(app).get(`${key} ${call_id}`)
}

const FIRST_EPOCH = '0'

/** Keeps it for everybody; beside the call, which waits for none of it. */
export function store(app: App, place: Place, key: string, epoch: string, stored: Stored): void {
  remember(app, place, key, stored)
  const { path, call_id, kept } = stored
  write(app, place, async (tx) => {
    const plain = pack(stored)
    const sealed = await app.vault.seal(tx, place.tenant_id, contextOf(place, key), plain)
    const kept_for_s = keptFor_s(kept)
    const is_away = await cacheBodies(app).put(`${key} ${call_id}`, sealed, kept_for_s)
    const row = { key, path, call_id, sealed: is_away ? NOTHING : sealed, bytes: plain.length, kept_for_s }
    await queries.putAnswer(tx, place, epoch, row)
  })
}

const NOTHING = Buffer.alloc(0)

/**
 * The vendor now says something else, which is not kept. An expired row takes the place of what was, so that an
 * answer of an earlier call, still being written somewhere, does not come back.
 */
export function discard(
  app: App,
  place: Place,
  key: string,
  epoch: string,
  { path, call_id }: Pick<Stored, 'path' | 'call_id'>,
): void {
  storeOf(app).memory.delete(key)
  const row = { key, path, call_id, sealed: NOTHING, bytes: 0, kept_for_s: 0 }
  write(app, place, (tx) => queries.putAnswer(tx, place, epoch, row))
}

function write(app: App, { tenant_id }: Place, work: (tx: Tx) => Promise<void>): void {
  const { writing } = storeOf(app)
  const written = inTenant(app.db, tenant_id, work)
    .catch((err: unknown) => app.log.warn({ err }, 'an answer was not kept for other servers'))
    .finally(() => writing.delete(written))
  writing.add(written)
}

const LONGEST_PATTERN = 500
const MOST_SAID = 10_000

/** Drops what a path or pattern covers, in every process, when this transaction commits; returns how many there were. */
export async function drop(app: App, tx: Tx, place: Place, pattern: string): Promise<number> {
  const { mine } = storeOf(app)
  const id = app.newId()
  mine.set(id, 'said')
  if (mine.size > MOST_SAID) mine.delete(mine.keys().next().value ?? '') // rolled back, never heard of
  // What is told has to fit a notification; to drop more than was asked for is no harm.
  const told = pattern.length > LONGEST_PATTERN ? `${pattern.slice(0, LONGEST_PATTERN)}*` : pattern
  forget(tx, TOPIC, `${place.connection_id} ${told} ${id}`)
  return queries.dropAnswers(tx, place, told)
}

const contextOf = ({ connection_id }: Place, key: string) => `cached_answer ${connection_id} ${key}`

/** Length of the head, head, body: the body stays as it came. */
function pack({ body, kept, ...rest }: Stored): Buffer {
  const head = Buffer.from(JSON.stringify({ ...rest, kept: toJson(kept) }))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  return Buffer.concat([length, head, body])
}

function unpack(bytes: Buffer): Stored {
  const end = 4 + bytes.readUInt32BE()
  type Head = Omit<Stored, 'body' | 'kept'> & { kept: KeptJson }
  const { kept, ...rest } = JSON.parse(bytes.toString('utf8', 4, end)) as Head
  return { ...rest, kept: fromJson(kept), body: bytes.subarray(end) }
}
