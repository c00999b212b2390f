import { inTenant } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { readBacklog as readInbox } from '../inbound/inbound.ts'
import { readBacklog as readDeliveries } from '../outbound/outbound.ts'
import { type Breach, isOut, plain, type Rules } from './breaches.ts'

/** Work that is due and has waited too long. While nothing at all waits for long there is no sign of it, and nobody looks. */
export async function backlogBreaches(app: App, rules: Rules): Promise<Breach[]> {
  const found: Breach[] = []
  for (const rule of rules.all) {
    const { tenant_id } = rule
    const { inbox, deliveries } = await inTenant(app.db, tenant_id, async (tx) => ({
      inbox: await readInbox(tx, tenant_id),
      deliveries: await readDeliveries(tx, tenant_id),
    }))
    found.push(of(rule, 'inbound', inbox), of(rule, 'outbound', deliveries))
  }
  return found.filter(isOut)
}

const of = (rule: Breach['rule'], subject: string, { oldest_s, due }: { oldest_s: number; due: number }) =>
  plain(rule, subject, Math.floor(oldest_s / 6) / 10, `${due} due`)
