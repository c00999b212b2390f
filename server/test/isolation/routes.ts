import type { Pool } from 'pg'
import { INSTALLATION } from '../../modules/app.ts'
import { toWire } from '../../platform/ids.ts'
import { quoted, TALLIES, type Table } from '../world/catalog.ts'
import { fillPath, listBehind, type Operation, sampleOf } from '../world/operations.ts'
import type { Answer } from '../world/raw_http.ts'
import { type Citizen, ok, type Send, type World } from '../world/world.ts'

/** Who asks for nothing serves everybody: each of these is a decision. */
export const PUBLIC = [
  'health',
  'finishAuthorization',
  'issueToken',
  'metrics',
  'ready',
  'receiveWebhook',
  'receiveWebhookAtDefault',
  'receiveWebhookByToken',
  'receiveWebhookByTokenAndWord',
  'putWebhook',
  'patchWebhook',
  'putWebhookByToken',
  'patchWebhookByToken',
  'getWebhookByToken',
  'signIn',
  'listSignInWays',
  'startSignIn',
  'finishSignIn',
  'welcome', // says nothing without the token of a link
  'answerHandshake', // says nothing but what its provider's handshake proves
]

/** Lists of what is the same for every tenant. */
const SAME_FOR_ALL = ['/v1/providers']

/** The search finds things of every kind, and the directory of banks is the world's. */
const NO_LIST_OF_OURS = ['/v1/search', '/v1/banks/participants']

/** A person is whoever a tenant says: to name one of another's finds, and makes, what is one's own. */
const NAMES_NOBODY = ['addUserBank', 'listUserConsents', 'createUserConsent']

/** A door to try, and what stands behind it. */
export type Door = { send: Send; operations: Operation[] }

type Loot = Map<string, string>

/** Operations that let somebody in without a key and are not meant to. */
export async function tryWithoutKey({ send, operations }: Door): Promise<string[]> {
  const leaks: string[] = []
  for (const operation of operations) {
    if (operation.access === 'public') {
      if (!PUBLIC.includes(operation.id)) leaks.push(`${operation.id} is open to everybody and is not listed`)
      continue
    }
    for (const key of [undefined, `trl_live_${'x'.repeat(40)}`]) {
      const { status } = await ask({ send, operations }, operation, key, {})
      if (status !== 401) leaks.push(`${operation.id} answers ${status} to who has no key`)
    }
  }
  return leaks
}

/** Operations that let a key choose another tenant. */
export async function tryAsTenant(door: Door, { live_key }: Citizen, { tenant }: Citizen): Promise<string[]> {
  const leaks: string[] = []
  for (const operation of door.operations) {
    if (operation.access === 'public') continue
    const json = operation.body ? { json: sampleOf(operation.body) } : {}
    const headers = { 'trilho-tenant': tenant }
    const { status } = await door.send(operation.method, operation.path, { key: live_key, headers, ...json })
    if (status !== 403) leaks.push(`${operation.id} answers ${status} to a key that names another tenant`)
  }
  return leaks
}

/** Operations that serve a key which holds every scope but theirs. */
export async function tryWithoutScope(
  door: Door,
  { tenant, live_key }: Citizen,
  world: World,
): Promise<string[]> {
  const needed = [...new Set(door.operations.map(({ access }) => access))].filter((access) =>
    access.includes(':'),
  )
  const keys = new Map([
    ['admin', live_key],
    ['member', live_key],
    ['portal', live_key],
    ['portal_edit', live_key],
  ])
  for (const scope of needed) {
    const json = { name: scope, environment: 'live', scopes: needed.filter((one) => !gives(one, scope)) }
    const headers = { 'trilho-tenant': tenant }
    const made = await ok(world.send('POST', '/v1/keys', { key: world.admin_key, json, headers }))
    keys.set(scope, String(made['key']))
  }
  const leaks: string[] = []
  for (const operation of door.operations) {
    if (operation.access === 'public') continue
    const { status, body } = await ask(door, operation, keys.get(operation.access), {})
    // Published contracts say it in their own words.
    if (status !== 403 || (body['code'] ?? body['error']) !== 'forbidden')
      leaks.push(`${operation.id} answers ${status} to a key without ${operation.access}`)
  }
  return leaks
}

/** Who may write may mend too. */
const gives = (one: string, wanted: string): boolean =>
  one === wanted || one === wanted.replace(/:operate$/, ':write')

/**
 * Sentences about each operation by which the tenant `a` sees, changes or learns of what is the tenant `b`'s: with
 * the ids of `b` in paths, queries and bodies, and in whatever is answered. Only 404 says nothing, not even that a
 * thing is there; an administrator's operation answers 403.
 */
export async function tryWithIdsOf(
  door: Door,
  a: Citizen,
  b: Citizen,
  owner: Pool,
  tables: Table[],
): Promise<string[]> {
  const loot = await idsOf(door, b)
  const marks = await marksOf(owner, tables, b)
  const before = await rowsOf(owner, tables, b.tenant_id)
  const leaks: string[] = []
  for (const operation of door.operations) {
    if (operation.access === 'public') continue
    for (const key of [a.live_key, a.test_key])
      leaks.push(...(await tryOne(door, operation, key, loot, marks, b)))
  }
  const after = await rowsOf(owner, tables, b.tenant_id)
  for (const [name, rows] of before) {
    if (rows !== after.get(name) && !TALLIES.includes(name))
      leaks.push(`the rows of another in ${name} were changed`)
  }
  return [...new Set(leaks)]
}

/**
 * Operations that do not open to the tenant `b` itself with the very ids that are tried on it: a proof by 404 would
 * say nothing of these. Changes `b`'s things, so it comes last.
 */
export async function closedToOwn(door: Door, b: Citizen): Promise<string[]> {
  const loot = await idsOf(door, b)
  const tried = door.operations.filter(({ path, access }) => access.includes(':') && path.includes('{'))
  const closed: string[] = []
  // What is deleted opens no more: deletions come last, and what hangs on a thing before the thing.
  const turn = ({ method, path }: Operation) => (method === 'DELETE' ? 1000 - path.length : 0)
  for (const operation of door.operations.filter(({ is_list }) => is_list)) {
    const nothing: string[] = []
    const queries = foreignQueries(operation, loot, b)
    for (const query of queries) {
      const { data } = await ok(door.send('GET', operation.path + query, { key: b.live_key }))
      if ((data as unknown[]).length === 0) nothing.push(`${operation.id}${query} finds nothing`)
    }
    // The search finds whatever the tenant knows; the list of one room finds what is that room's.
    if (operation.path === '/v1/search' || nothing.length === queries.length) closed.push(...nothing)
  }
  for (const operation of tried.sort((x, y) => turn(x) - turn(y))) {
    const ids = idsFor(operation, loot)
    const statuses: number[] = []
    for (const key of [b.test_key, b.live_key]) statuses.push(statusOf(await ask(door, operation, key, ids)))
    for (const body of foreignBodies(operation, loot)) // what a field names is their own here
      statuses.push(statusOf(await ask(door, operation, b.live_key, ids, '', body)))
    if (statuses.every((status) => status === 404 || status === 401))
      closed.push(`${operation.id} ${statuses}`)
  }
  return closed
}

/** What a vendor answered through us is not our answer. */
const statusOf = ({ status, headers }: Answer): number => ('trilho-call-id' in headers ? 200 : status)

/** Of what a path names beside ids. */
const FIXED: Record<string, string> = { rest: 'v1/refunds', number: '1', bank_id: '2' }

export const idsFor = ({ path, parameters }: Operation, loot: Loot): Record<string, string> =>
  Object.fromEntries(
    parameters
      .filter((parameter) => parameter.in === 'path')
      .map(({ name }) => [name, FIXED[name] ?? loot.get(listBehind(path, name)) ?? 'unknown']),
  )

/** Addresses that are served and not in the document, where nothing tries them. */
export function hiddenRoutes({ http, operations }: Pick<World, 'http' | 'operations'>): string[] {
  const known = new Set(
    operations.map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  )
  const above: string[] = []
  const served = http
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S+) \(([^)]+)\)/.exec(line) ?? []
      const depth = indent.length / 4
      above.splice(depth, above.length, `${above[depth - 1] ?? ''}${part}`)
      return methods.split(', ').map((method) => `${method} ${above[depth]}`)
    })
  return served.filter((route) => /^(GET|POST|PUT|PATCH|DELETE) \//.test(route) && !known.has(route)).sort()
}

async function tryOne(
  door: Door,
  operation: Operation,
  key: string,
  loot: Loot,
  marks: string[],
  b: Citizen,
): Promise<string[]> {
  const leaks: string[] = []
  const ids = idsFor(operation, loot)
  for (const [name, id] of Object.entries(ids)) {
    // Where only people or administrators are served, a key is refused before the id is looked at.
    if (id === 'unknown' && operation.access.includes(':'))
      leaks.push(`${operation.id}: ${listBehind(operation.path, name)} gives no id to try as ${name}`)
  }
  const answers = [await ask(door, operation, key, ids)]
  const [first] = answers
  const expected = operation.access.includes(':') ? 404 : 403
  const names_another =
    Object.keys(ids).length > 0 &&
    !NAMES_NOBODY.includes(operation.id) &&
    !SAME_FOR_ALL.some((list) => operation.path.startsWith(list))
  if (names_another && first && first.status !== expected)
    leaks.push(
      `${operation.id} answers ${first.status} to the id of another's, where ${expected} says nothing`,
    )
  for (const query of foreignQueries(operation, loot, b)) {
    const answer = await ask(door, operation, key, ids, query)
    answers.push(answer)
    const { data } = answer.body
    if (Array.isArray(data) && data.length > 0) leaks.push(`${operation.id}${query} finds what is another's`)
  }
  if (operation.is_list && operation.parameters.some(({ name }) => name === 'limit'))
    answers.push(await ask(door, operation, key, ids, '?limit=200'))
  for (const body of foreignBodies(operation, loot)) {
    const answer = await ask(door, operation, key, ids, '', body)
    answers.push(answer)
    if (answer.status < 300)
      leaks.push(`${operation.id} takes ${JSON.stringify(body)}, which names another's`)
  }
  for (const { status, text } of answers) {
    if (status < 300 && marks.some((mark) => text.includes(mark)))
      leaks.push(`${operation.id} shows what is another's`)
  }
  return leaks
}

/** Query strings that name things of `b`, by filter and by search. */
const foreignQueries = ({ path, parameters }: Operation, loot: Loot, b: Citizen): string[] =>
  parameters
    .filter((parameter) => parameter.in === 'query')
    .flatMap(({ name }) => {
      const id = loot.get(`${path}?${name}`) ?? loot.get(listBehind('', name))
      const values = name === 'q' ? b.known_as : name.endsWith('_id') && id !== undefined ? [id] : []
      return values.map((value) => `?${name}=${encodeURIComponent(value)}`)
    })

/** Bodies in which a field that takes an id of some kind names one of `b`'s. */
function foreignBodies({ body }: Operation, loot: Loot): unknown[] {
  if (!body) return []
  const sample = sampleOf(body) as Record<string, unknown>
  return Object.keys(body.properties ?? {})
    .filter((name) => /_id$/.test(name) && loot.has(listBehind('', name)))
    .map((name) => ({ ...sample, [name]: loot.get(listBehind('', name)) }))
}

function ask(
  { send }: Pick<Door, 'send' | 'operations'>,
  operation: Operation,
  key: string | undefined,
  ids: Record<string, string>,
  query = '',
  body: unknown = operation.body ? sampleOf(operation.body) : undefined,
) {
  const path = fillPath(operation.path, ids) + query
  return send(operation.method, path, { key, ...(body !== undefined && { json: body }) })
}

/** One id of `b`'s for each list that the document has, as `b` itself reads it. */
export async function idsOf({ send, operations }: Door, b: Citizen): Promise<Loot> {
  const loot: Loot = new Map([['/v1/tenants', b.tenant]])
  for (const { path, is_list, access } of operations) {
    if (!is_list || !access.includes(':') || path.includes('{') || NO_LIST_OF_OURS.includes(path)) continue
    const { data } = await ok(send('GET', path, { key: b.live_key }))
    const first = (data as { id?: string; name?: string }[]).at(-1)
    const id = first?.id ?? first?.name
    if (id !== undefined) loot.set(path, id)
    // Transfers leave by a connection of their own.
    const { connection_id } = (first ?? {}) as { connection_id?: string }
    if (path === '/v1/transfers' && connection_id) loot.set(`${path}?connection_id`, connection_id)
  }
  const bank = loot.has('/v1/banks') ? (await banksOf(send, b)).at(-1) : undefined // their first
  if (bank) loot.set('/v1/users', bank.user_id)
  // Refunds are listed by their payment.
  const payment = loot.get('/v1/payments')
  if (payment !== undefined) {
    const { data } = await ok(send('GET', `/v1/payments/${payment}/refunds`, { key: b.live_key }))
    const [refund] = data as { id: string }[]
    if (refund) loot.set('/v1/refunds', refund.id)
  }
  // A story has the id of whatever it is about.
  const event = loot.get('/v1/events')
  if (event !== undefined) loot.set('/v1/stories', event)
  return loot
}

/** A person is known by the tenant's own word for them. */
const banksOf = async (send: Send, b: Citizen): Promise<{ user_id: string }[]> =>
  (await ok(send('GET', '/v1/banks', { key: b.live_key })))['data'] as { user_id: string }[]

/** What would give `b` away in an answer: its ids as they are on the wire and as they are stored, and its secrets. */
async function marksOf(owner: Pool, tables: Table[], b: Citizen): Promise<string[]> {
  const rows = [...(await rowsOf(owner, tables, b.tenant_id)).values()].join('\n')
  const uuids = new Set(rows.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g))
  uuids.delete(INSTALLATION)
  const wire = [...uuids].map((id) => toWire('request', id).slice('req_'.length))
  return [...uuids, ...wire, b.signing_secret, ...b.known_as]
}

/** All rows of a tenant, by table, as the owner sees them. */
export async function rowsOf(owner: Pool, tables: Table[], tenant_id: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { name, tenant_column } of tables) {
    if (!tenant_column) continue
    const { rows } = await owner.query<{ text: string | null }>(
      `select string_agg(t::text, E'\\n' order by t::text) as text from ${quoted(name)} t where ${tenant_column} = $1`,
      [tenant_id],
    )
    found.set(name, rows[0]?.text ?? '')
  }
  return found
}
