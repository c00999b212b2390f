import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { VendorTransaction } from '../kit/banking.ts'
import { reconcile } from '../modules/banking/reconcile.ts'
import { insertTransactions, listKnown, listNamed } from '../modules/banking/transaction_queries.ts'
import { inTenant } from '../platform/database/database.ts'
import { makeTenant, openPlace, type Place } from './place.ts'
import { note, print, type Rounds } from './report.ts'

/**
 * Transactions of an account put in as a sync does it, under row-level security and each held against what is known,
 * beside COPY of the same rows from a file of the server into an equal table without policies.
 */
const ROWS = 50_000
const WINDOW = { from: '2026-01-01', to: '2026-12-31' }
const TARGETS = { copy: 0.4 }

export async function importing(options: { rounds: number; rows?: number }): Promise<void> {
  const place = await openPlace()
  try {
    const count = options.rows ?? ROWS
    const items = Array.from({ length: count }, (_, at) => toItem(at))
    const { tenant_id } = await makeTenant(place.app, 'Bench')
    await place.root.query('create table bench_copy (like bank_transaction including all)')
    const rounds: Rounds = new Map()
    for (let round = 0; round <= options.rounds; round++) {
      const account_id = place.app.newId()
      const ours = await clocked(count, () => put(place, { tenant_id, account_id }, items))
      const path = await writeRows(place, { tenant_id, account_id })
      const copy = await clocked(count, () => place.root.query(`copy bench_copy from '${path}'`))
      if (round === 0) continue // the first round warms up
      note(rounds, 'import', ours)
      note(rounds, 'copy', copy)
    }
    const { rows } = await place.root.query<{ n: number }>('select count(*)::int as n from bench_copy')
    if (rows[0]?.n !== count * (options.rounds + 1)) throw new Error('COPY has not put in all of it')
    print({
      bench: 'import',
      unit: 'rows/s',
      rounds,
      ours: 'import',
      targets: TARGETS,
      more: { rows: count },
    })
  } finally {
    await place.close()
  }
}

const toItem = (at: number): VendorTransaction => ({
  vendor_id: `TX${String(at).padStart(12, '0')}`,
  status: 'booked',
  money: { amount: String(-100 - (at % 90_000)), currency: 'BRL' },
  kind: at % 3 ? 'pix' : 'card',
  description: `Compra no débito ${at % 700}`,
  at: new Date(Date.UTC(2026, 0, 2) + (at % 300) * 86_400_000 + at).toISOString(),
  is_final: at % 3 > 0,
})

type Account = { tenant_id: string; account_id: string }

/** As a sync settles what it has read. */
const put = ({ app }: Place, account: Account, items: VendorTransaction[]): Promise<void> =>
  inTenant(app.db, account.tenant_id, async (tx) => {
    const inside = await listKnown(tx, account, WINDOW)
    const others = await listNamed(
      tx,
      account,
      items.map(({ vendor_id }) => vendor_id),
    )
    const told = { items, composed: false, read_on: null, covers: () => true }
    const { added } = reconcile([...inside, ...others], told)
    const rows = added.map((content) => ({ id: app.newId(), content }))
    await insertTransactions(tx, { ...account, bank_id: account.account_id, user_id: 'bench' }, rows)
  })

async function clocked(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (count * 1000) / (performance.now() - began)
}

/** What was put in, where PostgreSQL reads it from. */
async function writeRows({ root, env }: Place, { tenant_id, account_id }: Account): Promise<string> {
  const { rows } = await root.query<{ line: string }>(
    `select array_to_string(array[tenant_id::text, id::text, bank_id::text, account_id::text, user_id, vendor_id, ordinal::text,
       status, amount::text, currency, coalesce(exact, E'\\\\N'), kind, description, at::text, day::text, is_final::text,
       coalesce(category, E'\\\\N'), coalesce(vendor_category, E'\\\\N'), coalesce(counterparty::text, E'\\\\N'),
       coalesce(removed_at::text, E'\\\\N'), updated_at::text], E'\\t') as line
       from bank_transaction where tenant_id = $1 and account_id = $2`,
    [tenant_id, account_id],
  )
  const path = join(String(env['TRILHO_DATA_DIR']), `${account_id}.tsv`)
  await writeFile(path, `${rows.map(({ line }) => line).join('\n')}\n`, { mode: 0o644 })
  return path
}
