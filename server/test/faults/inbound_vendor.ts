import { startSandbox } from '../../sandbox/sandbox.ts'
import { killUntil, startAll, WAITS_FOR_POSTGRES } from './inbound_processes.ts'
import { create, type FaultPostgres, type Installation, install } from './installation.ts'
import { read } from './reading.ts'
import type { Slot } from './slot.ts'
import { untilQuiet } from './truth.ts'

/**
 * The sandbox's own vendor, told to send as badly as it can, while processes are killed: of each payment several events,
 * each pair of neighbours swapped, every second one twice, a few forged and a few an hour old, each repeated until it is
 * answered. What it says it sent, and what it was answered, is the truth.
 */
export type VendorTrial = {
  seed: number
  entities: number
  /** Of each entity. */
  messages: number
  workers: number
  kills: number
  tell: (line: string) => void
}

export type VendorTally = {
  accepted: number
  copies: number
  /** Forged or too old, and turned away. */
  refused: number
  kills: number
  lost: number
  duplicates: number
  reordered: number
  broken: string[]
}

const SECRET = 'whsec_of_the_vendor_storm'
const AT_ONCE = 24
/** Each shipment is sent again until it is answered: as long as a product may be away. */
const PATIENCE = { attempts: 1_000, retry_delay_ms: 100 }
const WRONG = { bad_signature: 1, old_timestamp: 1 }

export async function stormOfVendor(postgres: FaultPostgres, trial: VendorTrial): Promise<VendorTally> {
  const installation = await install(postgres.url)
  const sandbox = await startSandbox({ port: 0 })
  let slots: Slot[] = []
  try {
    const started = await startAll(installation, { ...trial, clocks_jump: false })
    slots = started.slots
    const sources = await openSources(installation, started.origin)
    const sending = sendAll(sandbox.url, sources, trial)
    const kills = await killUntil(postgres, sending, slots, trial)
    const sent = await sending
    const quiet = await untilQuiet(installation)
    await Promise.all(slots.map((slot) => slot.stop()))
    const judged = await judge(installation, sent)
    const crashes = slots.flatMap((slot) => slot.crashes).filter((one) => !WAITS_FOR_POSTGRES.test(one))
    const broken = [...judged.broken, ...crashes, ...(quiet ? [] : ['work was left over'])]
    return { ...judged, kills, broken }
  } catch (error) {
    for (const slot of slots) slot.abandon()
    throw error
  } finally {
    await sandbox.stop()
    await installation.close()
  }
}

/** One verified by Stripe's signature, and one that works on the events of a payment by their numbers. */
type Sources = { signed: string; numbered: string }

async function openSources({ env }: Installation, origin: string): Promise<Sources> {
  const at = { url: origin }
  const admin = { authorization: `Bearer ${env['TRILHO_ADMIN_KEY']}` }
  const { id = '' } = await create(at, admin, '/v1/tenants', { name: 'Loja na Tempestade' })
  const open = async (body: object) =>
    (await create(at, { ...admin, 'trilho-tenant': id }, '/v1/sources', body))['url'] ?? ''
  const place = 'data.object'
  const settings = {
    ...{ signature: 'none', unsigned_because: 'its signature is that of the other source' },
    ...{ entity_id: `${place}.id`, order: 'sequence', position: `${place}.metadata.sequence` },
  }
  const options = { order: { gap_timeout_s: 3_600 } }
  return {
    signed: await open({ provider: 'stripe', name: 'Stripe', secrets: [SECRET] }),
    numbered: await open({ provider: 'http', name: 'Numbered', settings, options }),
  }
}

type Sent = { event_id: string; kind: string; accepted: boolean; attempts: { status: number | null }[] }
type Shipped = Sent & { to: keyof Sources }

async function sendAll(url: string, sources: Sources, trial: VendorTrial): Promise<Shipped[]> {
  const shipped: Shipped[] = []
  let next = 0
  const loop = async () => {
    while (next < trial.entities) {
      const entity = next++
      const to: keyof Sources = entity % 2 === 0 ? 'signed' : 'numbered'
      const half = Math.floor(trial.messages / 2)
      const order = { url: sources[to], secret: SECRET, entities: 1, concurrency: 1, ...PATIENCE }
      const faults = { reorder: half, duplicate: half }
      const sent = await have(url, { ...order, run: `storm${entity}`, count: trial.messages, faults })
      shipped.push(...sent.map((one) => ({ ...one, to })))
      if (to === 'numbered') continue // nothing there is refused
      const forged = await have(url, { ...order, run: `forged${entity}`, faults: WRONG, attempts: 2 })
      shipped.push(...forged.filter(({ kind }) => kind !== 'original').map((one) => ({ ...one, to })))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, loop))
  return shipped
}

/** Has the sandbox send that; what it says it sent. */
async function have(url: string, orders: object): Promise<Sent[]> {
  const body = JSON.stringify(orders)
  const response = await fetch(`${url}/stripe/_control/webhooks`, { method: 'POST', body })
  return ((await response.json()) as { sent: Sent[] }).sent
}

type Row = { event_key: string; entity_id: string; n: number; is_numbered: boolean; events: number }

// One entity's transactions come one after another, so their numbers are their order; in one of them it is the ids'.
const WORKED_ON = `
  select m.event_key, e.entity_id, s.provider = 'http' as is_numbered, count(*) over (partition by m.id)::int as events,
         (m.body_json -> 'data' -> 'object' -> 'metadata' ->> 'sequence')::int as n
    from (select *, convert_from(body, 'UTF8')::jsonb as body_json from inbox) m
    join source s on s.tenant_id = m.tenant_id and s.id = m.source_id
    left join event e on e.tenant_id = m.tenant_id and e.message_id = m.id
   order by e.entity_id, e.xmin::text::bigint, e.id`

async function judge(installation: Installation, shipped: Shipped[]): Promise<Omit<VendorTally, 'kills'>> {
  const rows = await read<Row>(installation, WORKED_ON)
  const known = Map.groupBy(rows, ({ event_key }) => event_key)
  const originals = shipped.filter(({ kind }) => kind === 'original')
  const copies = shipped.filter(({ kind }) => kind === 'copy')
  const wrong = shipped.filter(({ kind }) => kind === 'bad_signature' || kind === 'old_timestamp')
  const unanswered = [...originals, ...copies].filter(({ accepted }) => !accepted)
  const lost = originals.filter(({ event_id }) => !known.get(event_id)?.[0]?.entity_id)
  const doubled = [...known].filter(([, all]) => all.length > 1)
  const believed = wrong.filter(({ event_id, accepted }) => accepted || known.has(event_id))
  const overtaken = rows.filter(
    ({ entity_id, n, is_numbered }, at) =>
      is_numbered && rows[at - 1]?.entity_id === entity_id && n < (rows[at - 1]?.n ?? 0),
  )
  return {
    accepted: originals.length - unanswered.length,
    copies: copies.length,
    refused: wrong.length - believed.length,
    lost: lost.length,
    duplicates: doubled.length,
    reordered: overtaken.length,
    broken: [
      ...unanswered.map(({ event_id }) => `${event_id} was never answered 2xx`),
      ...lost.map(({ event_id }) => `${event_id} became no event`),
      ...doubled.map(([key, all]) => `${key} became ${all.length} events`),
      ...believed.map(({ event_id, kind }) => `${event_id} was taken in with a ${kind}`),
      ...overtaken.map(({ entity_id, n }) => `event ${n} of ${entity_id} was worked on too late`),
    ],
  }
}
