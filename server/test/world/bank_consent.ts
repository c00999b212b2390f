import { startBank } from '../../sandbox/bank/bank.ts'
import { connectionTo } from '../bank_customer.ts'
import { undoAfter } from '../harness.ts'
import { type Citizen, ok, type Send } from './world.ts'

/** A person's bank of Open Finance, and a consent there that nobody has decided on yet. */
export async function askConsent(send: Send, { tenant, connection, test_key: key }: Citizen): Promise<void> {
  const { redirect_uri } = await ok(send('GET', `/v1/connections/${connection}/authorization`, { key }))
  const bank = await startBank({ redirect_uri: String(redirect_uri) })
  undoAfter(() => bank.stop())
  const json = {
    user_id: `user-of-${tenant}`,
    name: bank.name,
    bank_code: bank.ispb,
    provider: 'open_finance',
    schedule: null,
    ...connectionTo(bank),
  }
  const { id } = await ok(send('POST', '/v1/banks', { key, json }))
  await ok(send('POST', `/v1/banks/${id}/consents`, { key, json: { document: '52998224725' } }))
}
