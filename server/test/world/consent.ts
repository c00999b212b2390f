import type { Citizen, Send } from './world.ts'
import { ok } from './world.ts'

/** A connection that was let in at the sandbox's own page, and a visit there that nobody came back from yet. */
export async function consent(send: Send, sandbox_url: string, { test_key: key }: Citizen): Promise<void> {
  const json = {
    provider: 'http',
    name: 'Agenda',
    environment: 'development',
    settings: {
      base_url: sandbox_url,
      auth: 'oauth2_authorization_code',
      authorize_url: '/oauth/authorize',
      token_url: '/oauth/token',
    },
    credentials: { client_id: 'trilho', client_secret: 'sandbox-secret' },
  }
  const { id } = await ok(send('POST', '/v1/connections', { key, json }))
  const begin = () => ok(send('POST', `/v1/connections/${id}/authorize`, { key, json: {} }))
  const { url } = await begin()
  const agreed = await fetch(String(url), { redirect: 'manual' })
  const back = new URL(agreed.headers.get('location') ?? '')
  await ok(send('GET', back.pathname + back.search))
  await begin()
}
