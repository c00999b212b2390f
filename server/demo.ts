import type { Actor, App } from './modules/app.ts'
import { INSTALLATION } from './modules/app.ts'
import { createConnection } from './modules/connections/connections.ts'
import { createSource } from './modules/inbound/inbound.ts'
import { createSubscription } from './modules/outbound/outbound.ts'
import { createKey, createTenant, listTenants } from './modules/tenants/tenants.ts'
import { fromWire } from './platform/ids.ts'

/** The signing secret of the demo's Stripe source: the sandbox signs with it, nobody else knows of it. */
const DEMO_SECRET = 'whsec_demo_sandbox_signing_secret'

const administrator: Actor = {
  kind: 'system',
  id: 'demo',
  tenant_id: INSTALLATION,
  environment: 'test',
  scopes: ['admin'],
  ip: null,
  request_id: null,
}

/**
 * On the first start: a tenant connected to the sandbox, a source its Stripe posts to, a subscription that ends in
 * its request bin. Returns what to print; nothing where there is a tenant already.
 */
export async function makeDemo(app: App, sandbox_url: string): Promise<string[]> {
  const { data: tenants } = await listTenants(app, { limit: '1' })
  if (tenants.length > 0) return []
  const tenant = await createTenant(app, administrator, { name: 'Demo', time_zone: 'America/Sao_Paulo' })
  const actor: Actor = { ...administrator, tenant_id: fromWire('tenant', tenant.id), scopes: ['*'] }
  const connection = await createConnection(app, actor, {
    provider: 'stripe',
    name: 'Sandbox Stripe',
    environment: 'development',
    settings: { base_url: `${sandbox_url}/stripe` },
    credentials: { secret_key: 'sk_test_demo' },
  })
  const source = await createSource(app, actor, {
    provider: 'stripe',
    name: 'Sandbox Stripe',
    secrets: [DEMO_SECRET],
    is_default: true,
  })
  const bin = `${sandbox_url}/bin/demo`
  const subscription = await createSubscription(app, actor, {
    name: 'Request bin',
    url: bin,
    event_types: ['*'],
  })
  const { key } = await createKey(app, actor, { name: 'Demo', environment: 'test', scopes: ['*'] })
  return [
    '',
    `Demo tenant        ${tenant.id}`,
    `API key            ${key}   (shown this once)`,
    `Connection         ${connection.id}   to ${sandbox_url}/stripe`,
    `Source             ${source.url}`,
    `Subscription       ${subscription.id}   to ${bin}`,
    '',
    'Try it, in another terminal:',
    `  export TRILHO_URL=${sandbox_url.replace(/\/sandbox$/, '')} TRILHO_API_KEY=${key}`,
    '  npx trilho tail              follow what crosses the border',
    '  npx trilho sandbox send      signed Stripe events, in at the source and out to the subscription',
    `  npx trilho call ${connection.id} GET /v1/payment_intents`,
  ]
}
