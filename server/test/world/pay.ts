import { type Citizen, ok, type Send } from './world.ts'

/** A payment with a refund, at the sandbox. */
export async function payOnce(send: Send, { connection, test_key: key }: Citizen): Promise<void> {
  const json = {
    connection_id: connection,
    money: { amount: '990', currency: 'BRL' },
    source: 'pm_card_visa',
  }
  const { id } = await ok(send('POST', '/v1/payments', { key, json }))
  await ok(send('POST', `/v1/payments/${id}/refunds`, { key, json: { amount: '90' } }))
}
