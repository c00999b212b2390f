import type { Obtained } from '../../kit/auth/asking.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import * as queries from './token_queries.ts'

/**
 * What connections were given to be let in by, kept in the vault and shared by all processes. Here it is read and
 * written; `calls` says when it is to be renewed.
 */

export type Place = queries.Place
export type KeptToken = queries.TokenRow & { token: string; base_url: string | null }

type Tokens = { token: string; refresh_token: string | null; base_url?: string | null }
type Given = Extract<Obtained, { ok: true }>

const kept = once((app: App) =>
  remember(app.db, {
    topic: 'token',
    load: (key) => {
      const [tenant_id = '', connection_id = '', purpose] = key.split(' ')
      const place: Place = { tenant_id, connection_id, purpose: purpose === 'client' ? 'client' : 'own' }
      return inTenant(app.db, tenant_id, (tx) => load(app, tx, place))
    },
  }),
)

const keyOf = ({ tenant_id, connection_id, purpose }: Place) => `${tenant_id} ${connection_id} ${purpose}`

async function load(app: App, tx: Tx, place: Place): Promise<KeptToken | null> {
  const row = await queries.findToken(tx, place)
  if (!row) return null
  const tokens = await readTokens(app, tx, place.tenant_id, row.id)
  return { ...row, token: tokens?.token ?? '', base_url: tokens?.base_url ?? null }
}

/** As it is now; null where nothing was obtained yet. */
export const readToken = (app: App, place: Place): Promise<KeptToken | null> => kept(app).get(keyOf(place))

async function readTokens(app: App, tx: Tx, tenant_id: string, id: string): Promise<Tokens | null> {
  const text = await app.vault.get(tx, { tenant_id, owner_id: id, field: 'tokens' })
  return text === null ? null : (JSON.parse(text) as Tokens)
}

/** `seen` is the version that was found wanting, 0 where there was none. */
export type Claim = {
  id: string
  seen: number
  refresh_token: string | null
  base_url: string | null
  consented_at: Date | null
}

/** Mine for `lease_ms` to renew; null where somebody else does, or has, or it was refused for good. */
export function claimToken(
  app: App,
  place: Place,
  wanted: { seen: number; made_for: number },
  lease_ms: number,
): Promise<Claim | null> {
  const id = app.newId()
  const { seen } = wanted
  return inTenant(app.db, place.tenant_id, async (tx) => {
    const row = await queries.claimToken(tx, place, { ...wanted, id, lease_ms, new_id: app.newId() })
    if (!row) return null
    const tokens = await readTokens(app, tx, place.tenant_id, row.id)
    const { refresh_token = null, base_url = null } = tokens ?? {}
    return { id, seen, refresh_token, base_url, consented_at: row.consented_at }
  })
}

/** How far ahead of its end a token is renewed: 300 s, and a fifth of its life where that is short. */
const AHEAD_MS = 300_000

export function timesOf(
  { expires_in_s }: Given,
  now: Date,
): { expires_at: Date | null; renew_at: Date | null } {
  if (expires_in_s === null) return { expires_at: null, renew_at: null }
  const life_ms = expires_in_s * 1000
  const ends_ms = now.getTime() + life_ms
  return {
    expires_at: new Date(ends_ms),
    renew_at: new Date(ends_ms - Math.min(AHEAD_MS, life_ms / 5)),
  }
}

/** False where another process wrote one since: that one stands. The claim ends in the same commit. */
export function writeToken(
  app: App,
  place: Place,
  { seen, consented_at }: Claim,
  given: Given,
  { made_for, now }: { made_for: number; now: Date },
): Promise<boolean> {
  const row = { made_for, scope: given.scope, consented_at, ...timesOf(given, now) }
  return inTenant(app.db, place.tenant_id, async (tx) => {
    const written = await queries.replaceToken(tx, place, seen, row)
    if (written) await putTokens(app, tx, place, written.id, given)
    return written !== undefined
  })
}

/** What somebody consented to. */
export async function writeConsent(
  app: App,
  tx: Tx,
  place: Place,
  given: Given,
  made_for: number,
): Promise<void> {
  const now = app.clock.now()
  const row = { made_for, scope: given.scope, consented_at: now, ...timesOf(given, now) }
  const { id } = await queries.insertConsent(tx, place, app.newId(), row)
  await putTokens(app, tx, place, id, given)
}

async function putTokens(
  app: App,
  tx: Tx,
  place: Place,
  owner_id: string,
  { token, refresh_token, base_url }: Given,
): Promise<void> {
  const { tenant_id } = place
  const tokens: Tokens = { token, refresh_token, base_url }
  await app.vault.put(tx, { tenant_id, owner_id, field: 'tokens' }, JSON.stringify(tokens))
  forget(tx, 'token', keyOf(place))
}

export const releaseToken = (app: App, place: Place, { id }: Claim): Promise<void> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    await queries.releaseToken(tx, place, id)
    forget(tx, 'token', keyOf(place)) // those who wait for it try themselves
  })

/** Within the transaction that tells of it. */
export async function refuseToken(
  tx: Tx,
  place: Place,
  refused: { seen: number; made_for: number; note: string; renew_at: Date | null },
): Promise<queries.Refused> {
  const found = await queries.refuseToken(tx, place, refused)
  if (found) forget(tx, 'token', keyOf(place))
  return found
}

/** All that the connection was given; false where that is nothing. */
export async function dropToken(app: App, tx: Tx, connection: Omit<Place, 'purpose'>): Promise<boolean> {
  const gone = await queries.deleteTokens(tx, connection)
  for (const { id, purpose } of gone) {
    await app.vault.drop(tx, { tenant_id: connection.tenant_id, owner_id: id })
    forget(tx, 'token', keyOf({ ...connection, purpose }))
  }
  return gone.length > 0
}

/** Calls back whenever a token changed, with its key; '' where any may have. */
export const onTokenChange = (app: App, on: (place: string) => void): void =>
  app.db.listen('trilho_config', (payload) => {
    if (payload === '') on('')
    else if (payload.startsWith('token ')) on(payload.slice('token '.length))
  })

export { ANY_RENEWABLE, listRenewable } from './token_queries.ts'
