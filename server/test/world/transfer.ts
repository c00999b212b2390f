import { type Citizen, ok, type Send } from './world.ts'

/** A transfer that was sent to the sandbox, and one that a second person has to let go. */
export async function transferOnce(
  send: Send,
  sandbox_url: string,
  { test_key: key }: Citizen,
): Promise<void> {
  const bank = `${sandbox_url}/banco_do_brasil`
  const connection = {
    ...{ provider: 'banco_do_brasil_transfers', name: 'Transfers', environment: 'development' },
    settings: {
      ...{ base_url: `${bank}/pagamentos-lote/v1`, token_url: `${bank}/oauth/token`, mtls: false },
      ...{ app_key: 'd27b077907ffab60136de17dc0050656', debit_account: '1607/99738672-X' },
    },
    credentials: { client_id: 'a-client', client_secret: 'sandbox-secret' },
  }
  const { id: connection_id } = await ok(send('POST', '/v1/connections', { key, json: connection }))
  await ok(send('PUT', '/v1/transfers/policy', { key, json: { approve_above: '100000' } }))
  for (const amount of ['990', '100001']) {
    const json = {
      ...{ connection_id, method: 'pix', money: { amount, currency: 'BRL' } },
      destination: { pix_key: '+5511987654321' },
    }
    await ok(send('POST', '/v1/transfers', { key, json }))
  }
}
