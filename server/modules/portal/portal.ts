import { createHash, randomBytes } from 'node:crypto'
import { publicAddress } from '../../platform/config.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, parseWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import { type CreateLink, type LinkQuery, type Theme, toLink } from './schema.ts'

export {
  createOwn,
  listOwn,
  listOwnDeliveries,
  mustOwn,
  readOwn,
  readOwnDelivery,
  readPortal,
  readTypes,
  resendFailed,
  updateOwn,
} from './own.ts'

/**
 * A page for the customer of a tenant: the subscriptions that are theirs, and what was delivered to them. The tenant
 * asks for a link and shows the page behind it, in a frame of its own or by itself. The link's token is good for these
 * routes and no others, for hours at most, and is never traded for anything that lasts longer; the tenant can revoke
 * it. A customer neither sees nor changes what is not theirs (`mustOwn`), and is sent the events of nobody else.
 */

/** What a token begins with; the rest of it are 256 random bits. */
const PREFIX = 'trl_portal_'
export const isPortalToken = (token: string): boolean => token.startsWith(PREFIX)

const DEFAULT_S = 3_600

/** The token is in this answer and nowhere else, ever: in the part of the URL that browsers keep to themselves. */
export async function createLink(app: App, actor: Actor, input: CreateLink) {
  const { tenant_id, environment } = actor
  const { customer, event_types = null, can_edit = true, locale = null, expires_in_s = DEFAULT_S } = input
  const id = app.newId()
  const token = PREFIX + randomBytes(32).toString('base64url')
  const hash = hashOf(token)
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const made = await queries.insertLink(tx, {
      ...{ tenant_id, id, token_hash: hash, customer, environment, event_types, can_edit, locale },
      theme: JSON.stringify(checkedTheme(input.theme ?? {})),
      frame_origins: (input.frame_origins ?? []).map(checkedOrigin),
      expires_at: new Date(app.clock.now().getTime() + expires_in_s * 1_000),
    })
    forgetLink(tx, { id, token_hash: hash })
    await audit(tx, actor, 'portal_link.create', toWire('portal_link', id), { customer, can_edit })
    return made
  })
  const link = toLink(row)
  return { ...link, url: `${publicAddress(app.config)}/portal/${link.id}#${token}` }
}

function checkedTheme(theme: Theme): Theme {
  const { logo_url } = theme
  if (logo_url === undefined) return theme
  const url = URL.parse(logo_url)
  if (url?.protocol === 'https:' && !url.username && !url.password && isPlainHost(url))
    return { ...theme, logo_url: url.href }
  throw new Problem('invalid_request', {
    field: 'theme.logo_url',
    detail:
      'theme.logo_url must be an https address without a user name, such as https://example.com/logo.svg',
  })
}

/** Both stand in a header of the page, where a host such as `a;sandbox` would be more than a host. */
const isPlainHost = ({ host }: URL): boolean => /^[a-z0-9.:[\]-]+$/.test(host)

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/

function checkedOrigin(text: string): string {
  const url = URL.parse(text)
  const is_safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (url && is_safe && isPlainHost(url) && `${url.origin}/` === url.href) return url.origin
  throw new Problem('invalid_request', {
    field: 'frame_origins',
    detail: `frame_origins must be origins by https (http on localhost alone), such as https://app.example.com; ${text.slice(0, 100)} is none`,
  })
}

export async function listLinks(app: App, actor: Actor, input: LinkQuery) {
  const { limit, before } = readPage('portal_link', input)
  const { tenant_id } = actor
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    queries.listLinks(tx, tenant_id, input.customer ?? null, limit, before),
  )
  return toPage('portal_link', rows, limit, toLink)
}

/** Refused by every process within a second. */
export async function revokeLink(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('portal_link', wire_id)
  await inTenant(app.db, actor.tenant_id, async (tx) => {
    const [gone] = await queries.deleteLinks(tx, actor.tenant_id, { id })
    if (!gone) throw new Problem('not_found', { detail: `there is no portal link ${wire_id}` })
    forgetLink(tx, gone)
    await audit(tx, actor, 'portal_link.revoke', wire_id)
  })
}

/** Every link of one customer. */
export async function revokeLinksOf(app: App, actor: Actor, customer: string) {
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const gone = await queries.deleteLinks(tx, actor.tenant_id, { customer })
    for (const link of gone) forgetLink(tx, link)
    if (gone.length > 0) await audit(tx, actor, 'portal_link.revoke_all', customer, { revoked: gone.length })
    return { revoked: gone.length }
  })
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

function forgetLink(tx: Tx, { id, token_hash }: queries.Deleted): void {
  forget(tx, 'portal_link', token_hash.toString('base64'))
  forget(tx, 'portal_frame', id)
}

const bearers = once((app: App) =>
  remember(app.db, {
    topic: 'portal_link',
    load: (hash) => queries.linkByHash(app.db.app, Buffer.from(hash, 'base64')),
  }),
)

/** Who comes with this token; null where it is unknown, revoked or over. */
export async function findBearer(app: App, token: string): Promise<queries.Bearer | null> {
  const found = await bearers(app).get(hashOf(token).toString('base64'))
  return found && found.expires_at > app.clock.now() ? found : null
}

const frames = once((app: App) =>
  remember(app.db, { topic: 'portal_frame', load: (id) => queries.frameOf(app.db.app, id) }),
)

/** Who may frame the page of a link, and where its logo comes from; null where there is no such link any more. */
export async function findFrame(
  app: App,
  wire_id: string,
): Promise<Omit<queries.Frame, 'expires_at'> | null> {
  const id = parseWire('portal_link', wire_id)
  const found = id === null ? null : await frames(app).get(id)
  return found && found.expires_at > app.clock.now() ? found : null
}
