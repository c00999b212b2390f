import { compileFilter } from '../../kit/filter.ts'
import { hasCardNumber } from '../../kit/masking.ts'
import type { RefusalReason } from '../../kit/news.ts'
import { inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import {
  checkEnvironment,
  type OpenConnection,
  openConnection,
  useConnection,
} from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import type { CreatePayment } from './create_schema.ts'
import type { Place } from './queries.ts'
import { type Candidate, check, type Request, requestOf } from './request.ts'
import * as queries from './routing_queries.ts'
import { type CreateRoute, type PreviewRoute, toRoute, type UpdateRoute } from './routing_schema.ts'
import { firstFit, fit, toSkips } from './tries.ts'

/**
 * Which connection takes a payment that names none. A route is a list of rules; the first whose conditions fit gives the
 * connections, in the order in which they are asked.
 */

export async function listRoutes(app: App, { tenant_id }: Actor) {
  const rows = await inTenant(app.db, tenant_id, (tx) => queries.listRoutes(tx, tenant_id))
  return { data: rows.map(toRoute) }
}

const placeOf = ({ tenant_id }: Actor, wire_id: string): Place => ({
  tenant_id,
  id: fromWire('payment_route', wire_id, 'route_id'),
})

export const readRoute = (app: App, actor: Actor, wire_id: string) =>
  inTenant(app.db, actor.tenant_id, async (tx) =>
    toRoute(found(await queries.findRoute(tx, placeOf(actor, wire_id)), wire_id)),
  )

function found(row: queries.RouteRow | undefined, wire_id: string): queries.RouteRow {
  if (row) return row
  throw new Problem('not_found', { detail: `there is no payment route ${wire_id}` })
}

export async function createRoute(app: App, actor: Actor, { name, is_default = false, rules }: CreateRoute) {
  const { tenant_id } = actor
  const read = await readRules(app, actor, rules)
  return inTenant(app.db, tenant_id, async (tx) => {
    if ((await queries.listRoutes(tx, tenant_id)).length >= queries.MOST_ROUTES)
      throw new Problem('conflict', { detail: `a tenant has at most ${queries.MOST_ROUTES} payment routes` })
    return put(tx, actor, { tenant_id, id: app.newId(), name, is_default, ...read }, 'create')
  }).catch(explain)
}

export async function updateRoute(app: App, actor: Actor, wire_id: string, change: UpdateRoute) {
  const place = placeOf(actor, wire_id)
  const read = change.rules && (await readRules(app, actor, change.rules))
  return inTenant(app.db, place.tenant_id, async (tx) => {
    const { name, is_default, rules, environment } = found(await queries.findRoute(tx, place), wire_id)
    checkEnvironment(actor, environment === 'live' ? 'production' : 'development')
    const { rules: _rules, ...said } = change
    return put(tx, actor, { name, is_default, rules, environment, ...said, ...read, ...place }, 'update')
  }).catch(explain)
}

/** Two at once want to be the default. */
function explain(error: unknown): never {
  if (sqlState(error) !== '23505') throw error
  throw new Problem('conflict', { field: 'is_default', detail: 'another route became the default meanwhile' })
}

async function put(tx: Tx, actor: Actor, row: queries.NewRoute, verb: 'create' | 'update') {
  if (row.is_default) await queries.dropDefault(tx, row.tenant_id, row.environment)
  const made = await queries.putRoute(tx, row)
  const { name, is_default, environment } = row
  await audit(tx, actor, `payment_route.${verb}`, toWire('payment_route', row.id), {
    name,
    is_default,
    environment,
  })
  return toRoute(made)
}

/** Payments that are under way keep the connections they were given. */
export async function deleteRoute(app: App, actor: Actor, wire_id: string): Promise<void> {
  const place = placeOf(actor, wire_id)
  await inTenant(app.db, place.tenant_id, async (tx) => {
    const { environment } = found(await queries.findRoute(tx, place), wire_id)
    checkEnvironment(actor, environment === 'live' ? 'production' : 'development')
    await queries.deleteRoute(tx, place)
    await audit(tx, actor, 'payment_route.delete', wire_id)
  })
}

/** Each condition can be read, and all connections are of one world, which is the actor's. */
async function readRules(
  app: App,
  actor: Actor,
  rules: CreateRoute['rules'],
): Promise<Pick<queries.RouteRow, 'rules' | 'environment'>> {
  const worlds = new Set<'live' | 'test'>()
  const read: queries.Rule[] = []
  for (const [at, { name = null, when = {}, connection_ids, next_on = [] }] of rules.entries()) {
    compileFilter(when, `rules.${at}.when`)
    const ids = connection_ids.map((id) => fromWire('connection', id, `rules.${at}.connection_ids`))
    for (const id of ids) {
      const { environment, opened } = await openConnection(app, actor.tenant_id, id)
      checkEnvironment(actor, environment)
      if (!opened.provider.operations['payments.create'])
        throw refused(`rules.${at}.connection_ids`, `${opened.provider.id} takes no payments`)
      worlds.add(environment === 'production' ? 'live' : 'test')
    }
    read.push({ name, when, connection_ids: ids, next_on })
  }
  const [environment = 'test', ...others] = worlds
  if (others.length > 0) throw refused('rules', 'the connections of a route are all live or all test')
  return { rules: read, environment }
}

const refused = (field: string, detail: string) => new Problem('invalid_request', { field, detail })

/** Where a payment is sent first, and where next. */
export type Plan = {
  route_id: string | null
  connection: OpenConnection
  request: Request
  rest: readonly Candidate[]
  next_on: readonly RefusalReason[]
  tries: queries.NewTry[]
}

export async function planPayment(app: App, actor: Actor, id: string, input: CreatePayment): Promise<Plan> {
  const { connection_id, route_id, sources = {} } = input
  if (Object.values(sources).some(hasCardNumber))
    throw refused('sources', "sources holds a card number; give each vendor's token of the card")
  if (connection_id === undefined) return routed(app, actor, id, input)
  if (route_id !== undefined) throw refused('route_id', 'name a connection or a route, not both')
  const connection = await useConnection(app, actor, fromWire('connection', connection_id, 'connection_id'))
  const source = input.source ?? input.sources?.[connection_id]
  const request = requestOf(id, { ...input, ...(source !== undefined && { source }) }, connection)
  check(connection, request)
  return { route_id: null, connection, request, rest: [], next_on: [], tries: [] }
}

async function routed(app: App, actor: Actor, id: string, input: CreatePayment): Promise<Plan> {
  const route = await routeOf(app, actor, input.route_id)
  const { at } = ruleFor(route, input)
  const rule = at === null ? undefined : route.rules[at]
  const wire_id = toWire('payment_route', route.id)
  if (!rule)
    throw refused(
      'route_id',
      `no rule of ${wire_id} fits this payment; add one without conditions at the end`,
    )
  const candidates = candidatesOf(rule.connection_ids, input)
  const { skipped, found } = await firstFit(app, actor, candidates, bareRequest(id, input))
  const [first] = skipped
  if (!found)
    throw first?.problem ?? refused('sources', 'sources names none of the connections that could take it')
  const { connection, request, rest } = found
  const skips = toSkips(skipped, 0)
  const at_first = { connection_id: connection.id, provider: connection.opened.provider.id }
  const tries = [...skips, { ...at_first, number: skips.length + 1, state: 'asked' as const, failure: null }]
  return { route_id: route.id, connection, request, rest, next_on: rule.next_on, tries }
}

/** Without its means of payment, which is each connection's own, and without a method where none is named. */
function bareRequest(id: string, input: CreatePayment): Omit<Request, 'method'> & { method?: string } {
  const { connection_id: _c, route_id: _r, source: _s, sources: _ss, ...rest } = input
  return { ...rest, reference: toWire('payment', id) }
}

async function routeOf(app: App, actor: Actor, wire_id: string | undefined): Promise<queries.RouteRow> {
  const { tenant_id, environment } = actor
  const row = await inTenant(app.db, tenant_id, (tx) =>
    wire_id === undefined
      ? queries.findDefaultRoute(tx, tenant_id, environment)
      : queries.findRoute(tx, placeOf(actor, wire_id)),
  )
  if (row || wire_id !== undefined) return found(row, wire_id ?? '')
  throw refused(
    'connection_id',
    `connection_id is missing, and there is no default payment route for ${environment} to choose one`,
  )
}

/** The token of the means of payment is of one vendor: with `sources`, those without one of theirs are not asked. */
const candidatesOf = (connection_ids: readonly string[], { source, sources }: CreatePayment): Candidate[] =>
  connection_ids.flatMap((connection_id) => {
    const own = sources?.[toWire('connection', connection_id)] ?? source
    if (own !== undefined) return [{ connection_id, source: own }]
    return sources ? [] : [{ connection_id }]
  })

/** What conditions are about: the payment as it is asked for, with what goes without saying. */
const factsOf = ({
  money,
  method,
  customer,
  capture = 'automatic',
  ...input
}: PreviewRoute | CreatePayment) => ({
  money,
  capture,
  installments: input.installments ?? 1,
  metadata: input.metadata ?? {},
  ...(method !== undefined && { method }),
  ...(customer !== undefined && { customer }),
})

/** The first rule that fits. */
function ruleFor({ rules }: queries.RouteRow, input: PreviewRoute | CreatePayment): { at: number | null } {
  const facts = factsOf(input)
  const at = rules.findIndex(({ when }) => compileFilter(when)(facts))
  return { at: at < 0 ? null : at }
}

/** Which connections a payment would be sent to, in this order, and why the others would not be asked. Asks no vendor. */
export async function previewRoute(app: App, actor: Actor, { route_id, ...asked }: PreviewRoute) {
  const route = await routeOf(app, actor, route_id)
  const { at } = ruleFor(route, asked)
  const rule = at === null ? undefined : route.rules[at]
  const connections = []
  const asked_for = candidatesOf(rule?.connection_ids ?? [], asked)
  for (const connection_id of rule?.connection_ids ?? []) {
    const candidate = asked_for.find((one) => one.connection_id === connection_id)
    const tried = candidate && (await fit(app, actor, candidate, bareRequest(app.newId(), asked)))
    const because =
      tried === undefined
        ? 'sources has no token for it'
        : 'problem' in tried
          ? tried.problem.occurrence.detail
          : null
    const wire_id = toWire('connection', connection_id)
    connections.push({ connection_id: wire_id, takes_it: because === null, because: because ?? null })
  }
  const fits = rule && at !== null ? { index: at, name: rule.name, next_on: rule.next_on } : null
  return { route_id: toWire('payment_route', route.id), rule: fits, connections }
}
