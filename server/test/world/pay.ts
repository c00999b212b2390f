import { type Citizen, ok, type Send } from './world.ts'

/** A route, a payment with a refund and one that is disputed, at the sandbox, and its day held against the vendor's, who has one payment more. */
export async function payOnce(
  send: Send,
  sandbox_url: string,
  { connection, test_key: key }: Citizen,
): Promise<void> {
  const json = {
    connection_id: connection,
    money: { amount: '990', currency: 'BRL' },
    source: 'pm_card_visa',
  }
  const rules = [{ connection_ids: [connection] }]
  // Refused where the tenant has as many as it may.
  await send('POST', '/v1/payment-routes', { key, json: { name: 'All', is_default: true, rules } })
  const { id } = await ok(send('POST', '/v1/payments', { key, json }))
  await ok(send('POST', `/v1/payments/${id}/refunds`, { key, json: { amount: '90' } }))
  const disputed = { ...json, source: 'pm_card_createDispute' }
  const other = await ok(send('POST', '/v1/payments', { key, json: disputed }))
  await ok(send('POST', `/v1/payments/${other['id']}/refresh`, { key }))
  const day = await payAtDesk(sandbox_url)
  const made = await ok(
    send('POST', '/v1/reconciliations', { key, json: { connection_id: connection, day } }),
  )
  for (let running = true; running; ) {
    const { state } = await ok(send('GET', `/v1/reconciliations/${made['id']}`, { key }))
    running = state === 'running'
    if (running) await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Past all of ours; gives the day of it where the tenants are. */
async function payAtDesk(sandbox_url: string): Promise<string> {
  const reply = await fetch(`${sandbox_url}/stripe/v1/payment_intents`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_abcdef123456' },
    body: new URLSearchParams('amount=500&currency=brl&payment_method=pm_card_visa&confirm=true'),
  })
  const { created } = (await reply.json()) as { created: number }
  const date = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' })
  return date.format(new Date(created * 1000))
}
