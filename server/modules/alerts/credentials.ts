import { X509Certificate } from 'node:crypto'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { listEnabledOf, openConnection } from '../connections/connections.ts'
import { listExpiringKeys } from '../tenants/tenants.ts'
import { type Breach, isOut, plain, type Rules } from './breaches.ts'

/** API keys and certificates that are about to expire, in days; less than 0 is over. Looked at once an hour. */

const DAY_MS = 86_400_000
/** What has been over for so long is of no use to anybody any more. */
const OVER_FOR_DAYS = 7

export async function credentialBreaches(app: App, rules: Rules): Promise<Breach[]> {
  return [...(await ofKeys(app, rules)), ...(await ofCertificates(app, rules))].filter(isOut)
}

const daysTo = (app: App, at: Date): number =>
  Math.floor(((at.getTime() - app.clock.now().getTime()) * 10) / DAY_MS) / 10

async function ofKeys(app: App, rules: Rules): Promise<Breach[]> {
  const now_ms = app.clock.now().getTime()
  const farthest = Math.max(...rules.all.map(({ threshold }) => threshold ?? 0))
  const keys = await listExpiringKeys(
    app.db.owner,
    new Date(now_ms - OVER_FOR_DAYS * DAY_MS),
    new Date(now_ms + farthest * DAY_MS),
  )
  return keys.flatMap(({ tenant_id, id, name, created_at, expires_at }) =>
    rules
      .of(tenant_id)
      .filter((rule) => livesLonger(created_at, expires_at, rule.threshold ?? 0))
      .map((rule) => plain(rule, toWire('api_key', id), daysTo(app, expires_at), name)),
  )
}

/** A key that was made for a few days is not told of from its first hour on. */
const livesLonger = (from: Date, to: Date, days: number) => to.getTime() - from.getTime() > days * DAY_MS

async function ofCertificates(app: App, rules: Rules): Promise<Breach[]> {
  const shows = [...app.providers.values()].filter(({ identity }) => identity).map(({ id }) => id)
  const found: Breach[] = []
  for (const { tenant_id, id } of await listEnabledOf(app.db.owner, shows)) {
    if (rules.of(tenant_id).length === 0) continue
    const at = await certificateEnds(app, tenant_id, id)
    const subject = toWire('connection', id)
    if (at) found.push(...rules.of(tenant_id).map((rule) => plain(rule, subject, daysTo(app, at))))
  }
  return found
}

/** Null where it shows none, or none that can be read. */
async function certificateEnds(app: App, tenant_id: string, id: string): Promise<Date | null> {
  try {
    const { opened } = await openConnection(app, tenant_id, id)
    return opened.identity ? new Date(new X509Certificate(opened.identity.certificate).validTo) : null
  } catch (err) {
    app.log.warn({ connection: toWire('connection', id), err }, 'a certificate could not be looked at')
    return null
  }
}
