import { setImmediate } from 'node:timers/promises'
import { misfitsOf, refuseUnjudged, Unjudged } from '../../kit/json_schema.ts'
import { inWords, toFieldErrors } from '../../kit/reads.ts'
import { forget, inTenant, once, remember } from '../../platform/database/database.ts'
import { type FieldError, Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { CATALOG } from './catalog.ts'
import { type Imported, readWebhooks } from './openapi_import.ts'
import { catalogPage } from './page.ts'
import * as queries from './queries.ts'
import {
  type CreateEventType,
  type ImportTypes,
  type PublishEvent,
  toEventType,
  type UpdateEventType,
} from './schema.ts'
import { typeScriptOf } from './type_script.ts'

/**
 * The catalog: every event type in its versions, ours and the tenant's own, each with a JSON Schema. A schema never
 * changes under those who rely on it: another one is another version.
 */

const OURS: readonly queries.EventTypeRow[] = CATALOG.map((type) => ({
  ...type,
  version: 1,
  deprecated_at: null,
  deprecation: null,
}))
const OUR_NAMES: ReadonlySet<string> = new Set(CATALOG.map(({ name }) => name))

const ownTypes = once((app: App) =>
  remember(app.db, {
    topic: 'event_types',
    load: (tenant_id) => inTenant(app.db, tenant_id, (tx) => queries.listEventTypes(tx, tenant_id)),
  }),
)

/** By name, and the newest version of each first. */
const allTypes = async (
  app: App,
  { tenant_id }: Pick<Actor, 'tenant_id'>,
): Promise<queries.EventTypeRow[]> => [...OURS, ...(await ownTypes(app).get(tenant_id))]

export const listEventTypes = async (app: App, actor: Actor) => ({
  data: (await allTypes(app, actor)).map(toEventType),
})

/** Declarations for receivers written in TypeScript. */
export const eventTypeScript = async (app: App, actor: Actor): Promise<string> =>
  typeScriptOf(await allTypes(app, actor))

/** The catalog as a page to give to those who receive. */
export const eventTypePage = async (app: App, actor: Actor): Promise<string> =>
  catalogPage(await allTypes(app, actor))

export async function createEventType(app: App, actor: Actor, input: CreateEventType) {
  const { tenant_id } = actor
  const { version = 1, example = null } = input
  const row = { ...input, version, example, deprecated_at: null, deprecation: null }
  checkType(row)
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.insertEventType(tx, tenant_id, row))) {
      const detail = `the catalog has version ${version} of ${row.name} already; another schema is another version`
      throw new Problem('conflict', { field: 'version', detail })
    }
    forget(tx, 'event_types', tenant_id)
    await audit(tx, actor, 'event_type.create', row.name, { version })
  })
  return toEventType(row)
}

function checkType({
  name,
  schema,
  example,
}: Pick<queries.EventTypeRow, 'name' | 'schema' | 'example'>): void {
  if (OUR_NAMES.has(name)) {
    throw new Problem('conflict', {
      field: 'name',
      detail: `${name} is a type of Trilho's own; choose another name`,
    })
  }
  judged(() => refuseUnjudged(schema as object))
  const errors = example === null ? [] : faultsOf(schema, example, 'example')
  const [first] = errors
  if (!first) return
  const detail = `the example does not fit the schema: ${inWords(errors)}`
  throw new Problem('invalid_request', { field: first.field, detail, errors })
}

export async function updateEventType(app: App, actor: Actor, name: string, input: UpdateEventType) {
  const { tenant_id } = actor
  const { version, deprecated, ...change } = input
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const before = await queries.findEventType(tx, tenant_id, name, version ?? null)
    if (!before) throw missing(name, version)
    const after = await queries.updateEventType(tx, tenant_id, before, {
      ...change,
      ...(deprecated !== undefined && {
        deprecated_at: deprecated && (before.deprecated_at ?? app.clock.now()),
        deprecation: deprecated?.message ?? null,
      }),
    })
    if (!after) throw missing(name, version)
    forget(tx, 'event_types', tenant_id)
    await audit(tx, actor, 'event_type.update', name, {
      version: before.version,
      changed: Object.keys(input),
    })
    return after
  })
  return toEventType(row)
}

/** One version, or all. */
export async function deleteEventType(app: App, actor: Actor, name: string, version?: number): Promise<void> {
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.deleteEventType(tx, tenant_id, name, version ?? null))) throw missing(name, version)
    forget(tx, 'event_types', tenant_id)
    await audit(tx, actor, 'event_type.delete', name, version === undefined ? {} : { version })
  })
}

const missing = (name: string, version: number | undefined) =>
  new Problem('not_found', {
    detail: `there is no event type ${name} of yours${version === undefined ? '' : ` in version ${version}`}`,
  })

/**
 * The `webhooks` of an OpenAPI document as types: new ones, and a new version where the schema is another than that
 * of the newest. What cannot be taken is named with the reason, and stops nothing else.
 */
export async function importEventTypes(app: App, actor: Actor, { openapi, dry_run = false }: ImportTypes) {
  const { tenant_id } = actor
  const found: Imported[] = []
  for (const one of readWebhooks(openapi)) {
    found.push(judgedImport(one))
    await setImmediate() // others have their turn between two schemas
  }
  return inTenant(app.db, tenant_id, async (tx) => {
    const own = await queries.listEventTypes(tx, tenant_id)
    const plans = found.map((one) => planImport(own, one, app.clock.now()))
    const rows = plans.flatMap(({ row }) => row ?? [])
    if (!dry_run) {
      for (const row of rows) await queries.insertEventType(tx, tenant_id, row)
      if (rows.length > 0) forget(tx, 'event_types', tenant_id)
      await audit(tx, actor, 'event_type.import', 'openapi', { types: rows.length })
    }
    return {
      dry_run,
      data: plans.map(({ name, result, version, because }) => ({ name, result, version, because })),
    }
  })
}

function judgedImport(one: Imported): Imported {
  try {
    if (one.type) checkType({ ...one.type, name: one.name })
    return one
  } catch (error) {
    const because = error instanceof Problem ? error.occurrence.detail : String(error)
    return { ...one, because, type: null }
  }
}

type Plan = {
  name: string
  result: 'created' | 'new_version' | 'unchanged' | 'skipped'
  version: number | null
  because: string | null
  row: queries.EventTypeRow | null
}

function planImport(
  own: readonly queries.EventTypeRow[],
  { name, because, type }: Imported,
  now: Date,
): Plan {
  const skipped = (why: string): Plan => ({ name, result: 'skipped', version: null, because: why, row: null })
  if (type === null) return skipped(because ?? 'it has no schema')
  const newest = own.find((one) => one.name === name)
  if (newest && sameJson(newest.schema, type.schema)) {
    return { name, result: 'unchanged', version: newest.version, because: null, row: null }
  }
  const version = (newest?.version ?? 0) + 1
  const { deprecated, ...told } = type
  const row = { ...told, name, version, deprecated_at: deprecated ? now : null, deprecation: null }
  return { name, result: newest ? 'new_version' : 'created', version, because: null, row }
}

/** Whatever the order of the members: PostgreSQL keeps them in its own. */
const sameJson = (one: unknown, other: unknown): boolean => sorted(one) === sorted(other)

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )

/** The example of a type, as JSON text: of the version named, or the newest. */
export async function exampleOf(
  app: App,
  actor: Pick<Actor, 'tenant_id'>,
  name: string,
  version?: number,
): Promise<{ type: string; version: number; data: string }> {
  const type = (await allTypes(app, actor)).find(
    (one) => one.name === name && (version === undefined || one.version === version),
  )
  if (!type) throw missing(name, version)
  if (type.example === null) {
    throw new Problem('conflict', {
      detail: `${name} has no example; give it one, or name an event of the past`,
    })
  }
  return { type: name, version: type.version, data: JSON.stringify(type.example) }
}

/** The version an event is of, checked: the one it names, or the newest that is not deprecated. */
export async function typeOf(
  app: App,
  tenant_id: string,
  input: PublishEvent,
): Promise<queries.EventTypeRow> {
  const { type, version, data } = input
  const versions = (await allTypes(app, { tenant_id })).filter(({ name }) => name === type)
  const known =
    version === undefined
      ? (versions.find((one) => one.deprecated_at === null) ?? versions[0])
      : versions.find((one) => one.version === version)
  if (!known) throw unknownType(type, version, versions)
  const errors = faultsOf(known.schema, data, 'data')
  const [first] = errors
  if (!first) return known
  throw new Problem('invalid_request', {
    field: first.field,
    detail: `data does not fit the schema of ${type}, version ${known.version}: ${inWords(errors)}`,
    errors,
  })
}

function unknownType(type: string, version: number | undefined, versions: readonly queries.EventTypeRow[]) {
  if (versions.length === 0) {
    return new Problem('invalid_request', {
      field: 'type',
      detail: `the catalog has no event type ${type}; add it with POST /v1/event-types, or see GET /v1/event-types`,
    })
  }
  const known = versions.map((one) => one.version).join(', ')
  return new Problem('invalid_request', {
    field: 'version',
    detail: `the catalog has no version ${version} of ${type}; it has ${known}`,
  })
}

/**
 * What keeps a value from fitting a JSON Schema, by the field below `place`; none where it fits. What cannot be judged
 * is refused: whoever publishes still has it.
 */
export function faultsOf(schema: unknown, value: unknown, place: string): FieldError[] {
  const errors = judged(() => misfitsOf(schema as object, value))
  if (errors.length === 0) return []
  return toFieldErrors(errors).map(({ field, reason }) => ({
    field: field === '' ? place : `${place}.${field}`,
    reason,
  }))
}

function judged<T>(judge: () => T): T {
  try {
    return judge()
  } catch (error) {
    if (!(error instanceof Unjudged)) throw error
    throw new Problem('invalid_request', { field: 'schema', detail: `the schema ${error.message}` })
  }
}
