import { setTimeout as sleep } from 'node:timers/promises'
import { type Citizen, ok, type Send } from './world.ts'

/** Two banks of a person: one that was read at the sandbox, and one by the published contract. */
export async function bankOnce(send: Send, sandbox_url: string, citizen: Citizen): Promise<void> {
  const { tenant, test_key: key } = citizen
  const bank = `${sandbox_url}/banco_do_brasil`
  const user_id = `user-${tenant.slice(-12)}` // not the whole of an id of theirs
  const json = {
    ...{ user_id, name: 'Banco do Brasil', bank_code: '00000000', provider: 'banco_do_brasil' },
    settings: {
      ...{ base_url: `${bank}/extratos/v1`, token_url: `${bank}/oauth/token`, mtls: false },
      ...{ app_key: 'd27b077907ffab60136de17dc0050656', accounts: '1234/56789' },
    },
    credentials: { client_id: 'a-client', client_secret: 'sandbox-secret' },
  }
  const known = await ok(send('GET', `/v1/banks?user_id=${user_id}`, { key }))
  if ((known['data'] as unknown[]).length > 0) return // on their first day: a sync makes a call for each month
  const { id } = await ok(send('POST', '/v1/banks', { key, json }))
  const plain = { bank_name: 'Nubank', bank_code: '18236120', base_url: `${sandbox_url}/echo` }
  const more = { client_id: 'a-client', client_secret: 'a-secret' }
  await ok(send('POST', `/api/users/${user_id}/banks`, { key, json: { ...plain, ...more } }))
  const run = await ok(send('POST', `/v1/banks/${id}/sync`, { key }))
  for (let look = 0; look < 4000; look++) {
    if ((await ok(send('GET', `/v1/bank-syncs/${run['id']}`, { key })))['ended_at'] !== null) return
    await sleep(50)
  }
  throw new Error('the bank was not read in all that time')
}
