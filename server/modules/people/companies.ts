import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit, tenantExists } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import {
  deleteProvider,
  findProvider,
  insertProvider,
  listProvidersPage,
  type ProviderRow,
} from './company_queries.ts'
import { callbackOf } from './company_sign_in.ts'
import { checkKey } from './members.ts'
import type { NewSignInProvider, SignInProvider, SignInWays } from './schema.ts'

/** The companies that sign their people in: OpenID providers, kept by the administrator of the installation. */

export async function createProvider(
  app: App,
  actor: Actor,
  input: NewSignInProvider,
): Promise<SignInProvider> {
  checkKey(actor)
  const { name, client_id, client_secret, role } = input
  const issuer = checkedIssuer(input.issuer)
  const member_tenant_id = fromWire('tenant', input.tenant_id, 'tenant_id')
  if (member_tenant_id === INSTALLATION || !(await tenantExists(app, member_tenant_id)))
    throw new Problem('not_found', { field: 'tenant_id', detail: `There is no tenant ${input.tenant_id}.` })
  const [id, domains] = [app.newId(), input.domains.map((domain) => domain.toLowerCase())]
  return inTenant(app.db, INSTALLATION, async (tx) => {
    const row = await insertProvider(tx, { id, name, issuer, client_id, domains, member_tenant_id, role })
    await app.vault.put(tx, { tenant_id: INSTALLATION, owner_id: id, field: 'client_secret' }, client_secret)
    const detail = { name, issuer, client_id, domains, tenant_id: input.tenant_id, role }
    await audit(tx, inHouse(actor), 'sign_in_provider.create', toWire('sign_in_provider', id), detail)
    return toProvider(app, row)
  })
}

export async function listProviders(app: App, input: PageInput) {
  const { limit, before } = readPage('sign_in_provider', input)
  const rows = await inTenant(app.db, INSTALLATION, (tx) => listProvidersPage(tx, before, limit + 1))
  return toPage('sign_in_provider', rows, limit, (row) => toProvider(app, row))
}

/** Nobody comes in by it any more. Its people, and the sessions they have, stay. */
export async function removeProvider(app: App, actor: Actor, wire_id: string): Promise<void> {
  checkKey(actor)
  const id = fromWire('sign_in_provider', wire_id)
  await inTenant(app.db, INSTALLATION, async (tx) => {
    if (!(await deleteProvider(tx, id))) throw noProvider(wire_id)
    await app.vault.drop(tx, { tenant_id: INSTALLATION, owner_id: id })
    await audit(tx, inHouse(actor), 'sign_in_provider.remove', wire_id)
  })
}

/** What the page of signing in offers to anybody. */
export async function listWays(app: App): Promise<SignInWays> {
  const rows = await inTenant(app.db, INSTALLATION, (tx) => listProvidersPage(tx, null, 50))
  const providers = rows.map(({ id, name }) => {
    const wire_id = toWire('sign_in_provider', id)
    return { id: wire_id, name, start: `/v1/sign-in/${wire_id}/start` }
  })
  return { password: true, providers }
}

export async function readProvider(app: App, wire_id: string): Promise<ProviderRow> {
  const id = fromWire('sign_in_provider', wire_id)
  const row = await inTenant(app.db, INSTALLATION, (tx) => findProvider(tx, id))
  if (!row) throw noProvider(wire_id)
  return row
}

const inHouse = (actor: Actor): Actor => ({ ...actor, tenant_id: INSTALLATION })

/** Without TLS only on this machine: what it says is believed. */
function checkedIssuer(text: string): string {
  const url = URL.parse(text)
  const is_local = url !== null && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  const is_fit = url?.protocol === 'https:' || (url?.protocol === 'http:' && is_local)
  if (url && is_fit && url.username === '' && url.search === '' && url.hash === '') return text
  const detail = 'issuer must be the https:// address that the provider gives as its issuer.'
  throw new Problem('invalid_request', { field: 'issuer', detail })
}

const noProvider = (id: string): Problem =>
  new Problem('not_found', { detail: `There is no sign-in provider ${id}.` })

const toProvider = (app: App, row: ProviderRow): SignInProvider => ({
  id: toWire('sign_in_provider', row.id),
  name: row.name,
  issuer: row.issuer,
  client_id: row.client_id,
  domains: row.domains,
  tenant_id: toWire('tenant', row.member_tenant_id),
  role: row.role,
  redirect_uri: callbackOf(app, row.id),
  created_at: row.created_at.toISOString(),
})
