import Type, { type Static } from 'typebox'
import { toWire } from '../../platform/ids.ts'
import { IdParams, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { BankRow } from './queries.ts'
import type { SyncRow } from './sync_queries.ts'

export const UserId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Whose bank it is, in your words',
  examples: ['user-123'],
})
const Name = Type.String({ minLength: 1, maxLength: 128, examples: ['Banco do Brasil'] })
const BankCode = Type.String({
  pattern: '^[0-9A-Za-z_-]{1,32}$',
  description: 'The ISPB, eight digits with its leading zeros; abroad, the id the provider has for the bank',
  examples: ['00000000'],
})
const Cron = Type.String({
  pattern: '^[0-9A-Z*/,?#-]+( [0-9A-Z*/,?#-]+){4}$',
  maxLength: 100,
  description:
    "Five fields of cron, in the tenant's time zone; once a day where absent; null: only when asked",
  examples: ['30 6 * * *'],
})
const Settings = Type.Record(Type.String(), Type.Unknown(), {
  description: "The provider's fields that are no secrets, as `GET /v1/providers/{id}` lists them",
  examples: [{}],
})
const Credentials = Type.Record(Type.String(), Type.Unknown(), {
  description: "The provider's secret fields, certificates and keys as PEM text. Kept sealed, never returned",
  examples: [{}],
})
const Environment = Type.Union([
  Type.Literal('development'),
  Type.Literal('staging'),
  Type.Literal('production'),
])
const closed = { additionalProperties: false }

export const CreateBank = Type.Object(
  {
    user_id: UserId,
    name: Name,
    bank_code: BankCode,
    connection_id: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'Where the connection is there already; else `provider` and what it needs',
        examples: ['con_01jz8k3v9mf2tb7xq4c5n6p8rs'],
      }),
    ),
    provider: Type.Optional(Type.String({ minLength: 1, maxLength: 32, examples: ['banco_do_brasil'] })),
    environment: Type.Optional(Environment),
    settings: Type.Optional(Settings),
    credentials: Type.Optional(Credentials),
    schedule: Type.Optional(Nullable(Cron)),
  },
  closed,
)
export type CreateBank = Static<typeof CreateBank>

export const UpdateBank = Type.Partial(
  Type.Object({
    name: Name,
    state: Type.Union([Type.Literal('active'), Type.Literal('inactive')]),
    schedule: Nullable(Cron),
    settings: Settings,
    credentials: Credentials,
  }),
  { ...closed, minProperties: 1 },
)
export type UpdateBank = Static<typeof UpdateBank>

const State = Type.Union([Type.Literal('active'), Type.Literal('inactive'), Type.Literal('error')], {
  description:
    'error: its last sync failed, `reason` says why; it is tried again. inactive: it is not synced',
})

export const Bank = Type.Object({
  id: WireId('bank'),
  number: Type.Integer({ description: 'Its id on the paths of integer ids' }),
  user_id: UserId,
  name: Type.String(),
  bank_code: Type.String(),
  provider: Type.String(),
  connection_id: Nullable(WireId('connection')),
  state: State,
  reason: Nullable(Type.String()),
  schedule: Nullable(Type.String()),
  last_synced_at: Nullable(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Bank = Static<typeof Bank>
export const Banks = Page(Bank)

export const BankQuery = Type.Object(
  {
    ...PageQuery.properties,
    user_id: Type.Optional(UserId),
    state: Type.Optional(State),
    connection_id: Type.Optional(
      Type.String({ maxLength: 40, description: 'Those that are read through this connection' }),
    ),
  },
  closed,
)
export type BankQuery = Static<typeof BankQuery>

export const SyncQuery = Type.Object(
  { ...PageQuery.properties, bank_id: Type.Optional(Type.String({ maxLength: 40 })) },
  closed,
)
export type SyncQuery = Static<typeof SyncQuery>

const SyncState = Type.Union(
  [
    Type.Literal('queued'),
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('skipped'),
  ],
  { description: 'skipped: the bank could not be asked, `error` says why' },
)
const Count = (description: string) => Type.Integer({ description })

export const Sync = Type.Object({
  id: WireId('bank_sync'),
  bank_id: WireId('bank'),
  state: SyncState,
  cause: Type.Union([Type.Literal('asked'), Type.Literal('schedule'), Type.Literal('news')], {
    description: 'news: the provider told that there is something to read',
  }),
  imported: Count('Transactions not known before'),
  updated: Count('Known, and changed'),
  skipped: Count('Known, and the same'),
  removed: Count('Known, and told of no more'),
  error: Nullable(Type.String({ description: 'A stable code' })),
  message: Nullable(Type.String({ description: 'The same in words' })),
  created_at: Timestamp,
  started_at: Nullable(Timestamp),
  ended_at: Nullable(Timestamp),
})
export type Sync = Static<typeof Sync>
export const Syncs = Page(Sync)

export { IdParams, PageQuery }

export const toBank = (row: BankRow): Bank => ({
  id: toWire('bank', row.id),
  number: row.number,
  user_id: row.user_id,
  name: row.name,
  bank_code: row.bank_code,
  provider: row.provider,
  connection_id: row.connection_id && toWire('connection', row.connection_id),
  state: row.state,
  reason: row.reason,
  schedule: row.schedule,
  last_synced_at: row.last_synced_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export const toSync = (row: SyncRow, created_at: Date): Sync => ({
  id: toWire('bank_sync', row.id),
  bank_id: toWire('bank', row.bank_id),
  state: row.state,
  cause: row.cause,
  imported: row.imported,
  updated: row.updated,
  skipped: row.skipped,
  removed: row.removed,
  error: row.error,
  message: row.message,
  created_at: created_at.toISOString(),
  started_at: row.started_at?.toISOString() ?? null,
  ended_at: row.ended_at?.toISOString() ?? null,
})
