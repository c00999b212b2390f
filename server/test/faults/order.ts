import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { killUntil, startAll, WAITS_FOR_POSTGRES } from './inbound_processes.ts'
import { create, type FaultPostgres, type Installation, install, numberedSource } from './installation.ts'
import { randomOf } from './random.ts'
import type { Slot } from './slot.ts'
import { untilQuiet } from './truth.ts'

/**
 * The order of messages of one entity, under kills: one process at the door and several workers, and PostgreSQL where it is
 * ours to end, killed at random while many entities send, one message of five twice. Half of the entities number their messages and send them shuffled; the other half send the next
 * when the one before was answered, and are to be worked on in that order.
 */
export type OrderTrial = {
  seed: number
  entities: number
  /** Of each entity. */
  messages: number
  workers: number
  kills: number
  /** The clocks of all processes are set anew every moment, an hour ahead or back. */
  clocks_jump: boolean
  tell: (line: string) => void
}

export type OrderTally = {
  entities: number
  accepted: number
  /** Sent once more although it had been answered, and known for a copy. */
  copies: number
  kills: number
  lost: number
  /** Events beyond the first of one message. */
  duplicates: number
  reordered: number
  /** Went on before its turn, or came after it: neither may happen, since nothing is missing for good. */
  flagged: number
  seconds: number
  broken: string[]
}

type By = 'sequence' | 'arrival'
type Shop = { path: Record<By, string>; origin: string }

const TOKEN = 'a-token-of-the-order-trial'
const SENDERS = 48
/** Of the messages, sent again. */
const COPIED = 0.2

export async function proveOrder(postgres: FaultPostgres, trial: OrderTrial): Promise<OrderTally> {
  const began = performance.now()
  const installation = await install(postgres.url)
  let slots: Slot[] = []
  try {
    const started = await startAll(installation, trial)
    slots = started.slots
    const shop = await openShop(installation, started.origin)
    const sending = sendAll(shop, trial)
    const kills = await killUntil(postgres, sending, slots, trial)
    const { accepted, copies } = await sending
    const quiet = await untilQuiet(installation, 600_000)
    await Promise.all(slots.map((slot) => slot.stop()))
    const judged = await judge(installation, trial)
    const broken = [
      ...judged.broken,
      ...slots.flatMap(({ crashes }) => crashes).filter((crash) => !WAITS_FOR_POSTGRES.test(crash)),
      ...(quiet ? [] : ['work was left over']),
    ]
    const seconds = Math.round((performance.now() - began) / 1000)
    return { entities: trial.entities, accepted, copies, kills, ...judged, broken, seconds }
  } catch (error) {
    for (const slot of slots) slot.abandon()
    throw error
  } finally {
    await installation.close()
  }
}

async function openShop({ env }: Installation, origin: string): Promise<Shop> {
  const admin = { authorization: `Bearer ${env['TRILHO_ADMIN_KEY']}` }
  const { id = '' } = await create({ url: origin }, admin, '/v1/tenants', { name: 'Loja em Ordem' })
  const numbered = numberedSource(TOKEN)
  const by_arrival = { ...numbered.settings, order: 'arrival', position: undefined }
  const source = async (by: By) => {
    const wanted = by === 'sequence' ? numbered : { ...numbered, settings: by_arrival }
    const { url = '' } = await create(
      { url: origin },
      { ...admin, 'trilho-tenant': id },
      '/v1/sources',
      wanted,
    )
    return new URL(url).pathname
  }
  return { origin, path: { sequence: await source('sequence'), arrival: await source('arrival') } }
}

/** All of every entity, entities side by side; returns how many were answered 2xx, and how many of them again. */
async function sendAll(shop: Shop, trial: OrderTrial): Promise<{ accepted: number; copies: number }> {
  const random = randomOf(trial.seed)
  let next = 0
  let accepted = 0
  let copies = 0
  const sendOne = async (): Promise<void> => {
    while (next < trial.entities) {
      const entity = next++
      const by: By = entity % 2 === 0 ? 'sequence' : 'arrival'
      for (const n of numbers(trial.messages, by === 'sequence' ? random : null)) {
        await post(shop, by, entity, n)
        accepted += 1
        if (random() > COPIED) continue
        await post(shop, by, entity, n)
        copies += 1
      }
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sendOne))
  return { accepted, copies }
}

function numbers(count: number, random: (() => number) | null): number[] {
  const all = Array.from({ length: count }, (_, at) => at + 1)
  return random
    ? all
        .map((n) => ({ n, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ n }) => n)
    : all
}

/** Again and again until it is answered, as a vendor does; a copy is known by its id. */
async function post({ origin, path }: Shop, by: By, entity: number, n: number): Promise<void> {
  const body = JSON.stringify({ id: `${by}-${entity}-${n}`, type: 'step', entity: `${by}-${entity}`, n })
  for (;;) {
    try {
      const headers = { 'content-type': 'application/json', 'x-token': TOKEN }
      const response = await fetch(origin + path[by], { method: 'POST', headers, body })
      await response.arrayBuffer()
      if (response.status === 200) return
      if (response.status < 500) throw new Error(`a message was answered ${response.status}`)
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('a message')) throw error
    }
    await sleep(50)
  }
}

type Row = { entity_id: string; n: number; flags: string[] }

// One entity's transactions come one after another, so their numbers are their order; in one of them it is the ids'.
const EVENTS = `
  select e.entity_id, (e.data::jsonb ->> 'n')::int as n, m.flags
    from event e join inbox m on m.tenant_id = e.tenant_id and m.id = e.message_id
   order by e.entity_id, e.xmin::text::bigint, e.id`

async function judge(
  { database_url }: Installation,
  { entities, messages }: OrderTrial,
): Promise<Pick<OrderTally, 'lost' | 'duplicates' | 'reordered' | 'flagged' | 'broken'>> {
  const client = new pg.Client({ connectionString: database_url, options: '-c role=trilho_owner' })
  await client.connect()
  const { rows } = await client.query<Row>(EVENTS).finally(() => client.end())
  const of_entity = Map.groupBy(rows, ({ entity_id }) => entity_id)
  const reordered = [...of_entity].filter(([, all]) =>
    all.some(({ n }, at) => at > 0 && n < (all[at - 1]?.n ?? 0)),
  )
  const distinct = new Set(rows.map(({ entity_id, n }) => `${entity_id} ${n}`)).size
  const flagged = rows.filter(({ flags }) => flags.length > 0).length
  const lost = entities * messages - distinct
  return {
    lost,
    duplicates: rows.length - distinct,
    reordered: reordered.length,
    flagged,
    broken: [
      ...reordered
        .slice(0, 10)
        .map(([id, all]) => `${id} was worked on as ${all.map(({ n }) => n).join(' ')}`),
      ...(lost > 0 ? [`${lost} messages became no event`] : []),
      ...(flagged > 0 ? [`${flagged} messages were flagged`] : []),
    ],
  }
}
