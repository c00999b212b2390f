import { inTenant, once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { findSource } from './source_queries.ts'
import { addressOf, readSecrets } from './sources.ts'

/**
 * A test message, as the vendor itself would send it: made, signed and posted by a simulated vendor, where these run
 * beside the server. It is a message like any other.
 */

/** Who is told to send one, and where: its address and one of its secrets are all these need. */
const CONTROLS: Record<string, string> = {
  stripe: '/stripe/_control/webhooks',
  github: '/github/_control/send',
  slack: '/slack/_control/send',
  whatsapp: '/whatsapp/_control/send',
}

const sandbox = once((_app: App): { url: string | null } => ({ url: null }))

/** Said by whoever mounts the simulated vendors, once they can be reached. */
export function sandboxAt(app: App, url: string): void {
  sandbox(app).url = url
}

/** Null and nobody where no simulated vendors run. */
export function readSandbox(app: App) {
  const { url } = sandbox(app)
  return { url, providers: url === null ? [] : Object.keys(CONTROLS) }
}

const TIMEOUT_MS = 20_000
const MOST_BYTES = 1_000_000

export async function sendTestMessage(app: App, actor: Actor, wire_id: string) {
  const { tenant_id } = actor
  const id = fromWire('source', wire_id)
  const { provider, secret, door } = await inTenant(app.db, tenant_id, async (tx) => {
    const row = await findSource(tx, tenant_id, id)
    if (!row) throw new Problem('not_found', { detail: `there is no source ${wire_id}` })
    const { url } = sandbox(app)
    const [secret] = await readSecrets(app, tx, tenant_id, id)
    const control = CONTROLS[row.provider]
    if (url === null)
      throw refusal('no simulated vendors run here; they do in development, with TRILHO_SANDBOX')
    if (!control) throw refusal(`no simulated ${row.provider} sends webhooks by itself`)
    if (secret === undefined) throw refusal(`source ${wire_id} has no secret yet; set one first`)
    await audit(tx, actor, 'source.test', toWire('source', id))
    return { provider: row.provider, secret, door: new URL(url + control) }
  })
  const to = new URL(addressOf(app, provider, id)).pathname
  const status = await order(app, door.href, { url: door.origin + to, secret, count: 1 })
  return { status, accepted: status >= 200 && status < 300 }
}

const refusal = (detail: string) => new Problem('conflict', { detail })

/** What the source answered the vendor. */
async function order(app: App, url: string, orders: object): Promise<number> {
  const result = await app.egress.send({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(orders),
    timeout_ms: TIMEOUT_MS,
    max_response_bytes: MOST_BYTES,
  })
  if (result.kind === 'error' || result.status !== 200) {
    const why = result.kind === 'error' ? result.message : `it answered ${result.status}`
    throw new Problem('vendor_failed', { detail: `the simulated vendor did not send: ${why}` })
  }
  const { sent } = JSON.parse(result.body.toString()) as { sent: Sent[] }
  return sent[0]?.status ?? sent[0]?.attempts?.at(-1)?.status ?? 0
}

/** One of a vendor of webhooks alone; one of a vendor that tries again has attempts. */
type Sent = { status?: number; attempts?: { status: number | null }[] }
