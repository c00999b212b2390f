import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import pg from 'pg'
import { stripeSignature, verify } from '../kit/signatures.ts'
import { systemClock } from '../platform/clock.ts'
import { idMaker } from '../platform/ids.ts'
import { serveOrders, settingsOf } from './programs.ts'

/** Servers that take the same messages and verify the same signature; they differ in what they store. */
export type PeerSettings = {
  store: 'bare' | 'insert' | 'same-rows'
  url: string
  sources: { source: string; source_id: string; tenant_id: string; secret: string }[]
}

const { store, url, sources } = settingsOf<PeerSettings>()
const bySource = new Map(sources.map((one) => [one.source, one]))
const scheme = stripeSignature()
const newId = idMaker(systemClock)
const role = store === 'same-rows' ? '-c role=trilho_ingest' : ''
const pool = new pg.Pool({ connectionString: url, max: 20, options: role })

type Message = { id: string; tenant_id: string; source_id: string; headers: string; body: Buffer }

const keep: Record<PeerSettings['store'], (message: Message) => Promise<unknown>> = {
  bare: async () => {},
  insert: ({ id, body }) =>
    pool.query({
      name: 'insert',
      text: 'insert into bench_message (id, body) values ($1, $2)',
      values: [id, body],
    }),
  'same-rows': sameRows,
}

async function sameRows({ id, tenant_id, source_id, headers, body }: Message): Promise<void> {
  const { id: event_key } = JSON.parse(body.toString()) as { id: string }
  const fingerprint = createHash('sha256').update(body).digest()
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query({
      name: 'seen',
      text: `insert into inbox_seen (tenant_id, source_id, event_key, message_id, fingerprint) values ($1, $2, $3, $4, $5)
             on conflict do nothing returning message_id`,
      values: [tenant_id, source_id, event_key, id, fingerprint],
    })
    await client.query({
      name: 'inbox',
      text: 'insert into inbox (tenant_id, id, source_id, event_key, headers, body) values ($1, $2, $3, $4, $5, $6)',
      values: [tenant_id, id, source_id, event_key, headers, body],
    })
    await client.query({
      name: 'queue',
      text: 'insert into inbox_queue (tenant_id, id, due) values ($1, $2, now())',
      values: [tenant_id, id],
    })
    await client.query('commit')
  } finally {
    client.release()
  }
}

const http = Fastify()
http.removeAllContentTypeParsers()
http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
http.post<{ Params: { source: string }; Body: Buffer }>(
  '/webhooks/stripe/:source',
  async (request, reply) => {
    const { headers, body } = request
    const source = bySource.get(request.params.source)
    if (!source) return reply.code(404).send()
    const verdict = verify(scheme, { headers, body, secrets: [source.secret], now: new Date() })
    if (!verdict.ok) return reply.code(401).send()
    const id = newId()
    const { tenant_id, source_id } = source
    await keep[store]({ id, tenant_id, source_id, headers: JSON.stringify(headers), body })
    return { status: 'received', id }
  },
)
await http.listen({ port: 0, host: '127.0.0.1' })
serveOrders((http.server.address() as AddressInfo).port, async () => null)
