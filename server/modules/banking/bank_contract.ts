import type { FastifyReply } from 'fastify'
import Type, { type Static } from 'typebox'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App, Http } from '../app.ts'
import { addBank, checkCode, dropBank } from './banking.ts'
import { type BankRow, findByNumber, isKnownUser, listOwn } from './queries.ts'
import type { CreateBank } from './schema.ts'
import { type Synced, syncAll } from './syncs.ts'

/**
 * The published contract of `/api/users/{user_id}/banks` and `/api/users/{user_id}/openfinance/sync`, `sync-all`:
 * integer ids, fields that are not known are passed over, and what is wrong is `{"error": …}`.
 */
const tags = ['Open Finance']
const UserParams = Type.Object(
  { user_id: Type.String({ minLength: 1, maxLength: 64 }) },
  { additionalProperties: false },
)
const BankParams = Type.Object(
  { ...UserParams.properties, bank_id: Type.String({ maxLength: 64 }) },
  { additionalProperties: false },
)

const Body = Type.Object(
  {
    bank_name: Type.Optional(Type.Unknown()),
    bank_code: Type.Optional(Type.Unknown({ description: 'ISPB' })),
    base_url: Type.Optional(Type.Unknown()),
    client_id: Type.Optional(Type.Unknown()),
    client_secret: Type.Optional(Type.Unknown()),
    certificate: Type.Optional(Type.Unknown({ description: 'PEM, in place of cert_path' })),
    private_key: Type.Optional(Type.Unknown({ description: 'PEM, in place of key_path' })),
    provider: Type.Optional(
      Type.Unknown({ description: 'Of ours; its other fields beside these, by their names' }),
    ),
  },
  {
    additionalProperties: true,
    examples: [
      {
        bank_name: 'Banco do Brasil',
        bank_code: '00000000',
        base_url: 'https://api.bb.com.br/open-banking',
        client_id: 'a-client',
        client_secret: 'a-secret',
      },
    ],
  },
)

const Refused = Type.Object({ error: Type.String() })
const Listed = Type.Object({
  banks: Type.Array(
    Type.Object({
      id: Type.Integer(),
      bank_name: Type.String(),
      bank_code: Type.String(),
      status: Type.Union([Type.Literal('active'), Type.Literal('inactive'), Type.Literal('error')]),
      last_sync: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
})
const Result = Type.Object({
  bank_id: Type.Integer(),
  bank: Type.String(),
  bank_code: Type.String(),
  imported: Type.Integer(),
  skipped: Type.Integer(),
  status: Type.String({ description: 'success, skipped, error; running where it goes on after this answer' }),
  error: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
})
const All = Type.Object({
  status: Type.Literal('success'),
  banks_synced: Type.Integer(),
  banks_failed: Type.Integer(),
  total_imported: Type.Integer(),
  total_skipped: Type.Integer(),
  results: Type.Array(Result),
  duration_ms: Type.Number(),
})

export function bankContract(http: Http, app: App): void {
  http.register(async (plain) => {
    const scope = plain as Http
    scope.setErrorHandler((error, request, reply) => {
      const problem = error instanceof Problem ? error : null
      const { validation, statusCode = 500 } = error as { validation?: unknown; statusCode?: number }
      if (!problem && !validation && statusCode >= 500) throw error
      request.problem = problem
      if (!problem) return refuse(reply, statusCode, (error as Error).message)
      reply.headers(problem.occurrence.headers ?? {})
      const { retry_after_s, detail } = problem.occurrence
      if (retry_after_s !== undefined) reply.header('retry-after', String(retry_after_s))
      const is_input = problem.status === 400 || problem.status === 422
      return is_input ? refuse(reply, 400, detail) : refuse(reply, problem.status, problem.code)
    })
    banks(scope, app)
    syncs(scope, app)
  })
}

const refuse = (reply: FastifyReply, status: number, error: string) => reply.code(status).send({ error })

function banks(http: Http, app: App): void {
  http.get(
    '/api/users/:user_id/banks',
    {
      config: { access: 'banking:read' },
      schema: {
        operationId: 'listUserBanks',
        summary: 'List the banks of a user, oldest first',
        tags,
        params: UserParams,
        response: { 200: Listed, '4xx': Refused },
      },
    },
    async (request, reply) => {
      const rows = await banksOf(app, request.actor, request.params.user_id)
      return rows ? { banks: rows.map(toListed) } : refuse(reply, 404, 'user_not_found')
    },
  )

  http.post(
    '/api/users/:user_id/banks',
    {
      config: { access: 'banking:write' },
      schema: {
        operationId: 'addUserBank',
        summary: 'Connect a bank of a user',
        tags,
        params: UserParams,
        body: Body,
        response: {
          201: Type.Object({ id: Type.Integer(), status: Type.Literal('created') }),
          '4xx': Refused,
        },
      },
    },
    async (request, reply) => {
      const { actor } = request
      const wanted = wantedOf(app, actor, request.params.user_id, request.body)
      const { number } = await inTenant(app.db, actor.tenant_id, (tx) => addBank(app, tx, actor, wanted))
      return reply.code(201).send({ id: number, status: 'created' as const })
    },
  )

  http.delete(
    '/api/users/:user_id/banks/:bank_id',
    {
      config: { access: 'banking:write' },
      schema: {
        operationId: 'removeUserBank',
        summary: 'Disconnect a bank of a user',
        tags,
        params: BankParams,
        response: { 200: Type.Object({ status: Type.Literal('deleted') }), '4xx': Refused },
      },
    },
    async (request, reply) => {
      const { user_id, bank_id } = request.params
      const removed = await removeBank(app, request.actor, user_id, bank_id)
      return removed ? { status: 'deleted' as const } : refuse(reply, 404, 'bank_not_found')
    },
  )
}

/** Null where nothing of this tenant's was ever theirs. */
const banksOf = (app: App, { tenant_id }: Actor, user_id: string): Promise<BankRow[] | null> =>
  inTenant(app.db, tenant_id, async (tx) =>
    (await isKnownUser(tx, tenant_id, user_id)) ? listOwn(tx, tenant_id, user_id) : null,
  )

const toListed = ({ number, name, bank_code, state, last_synced_at }: BankRow) => ({
  id: number,
  bank_name: name,
  bank_code,
  status: state,
  last_sync: last_synced_at && `${last_synced_at.toISOString().slice(0, -1)}+00:00`,
})

const removeBank = (app: App, actor: Actor, user_id: string, bank_id: string): Promise<boolean> =>
  inTenant(app.db, actor.tenant_id, async (tx) => {
    const number = /^[0-9]{1,9}$/.test(bank_id) ? Number(bank_id) : null
    const row = number !== null && (await findByNumber(tx, actor.tenant_id, user_id, number))
    if (row) await dropBank(app, tx, actor, row)
    return Boolean(row)
  })

const NEEDED = ['bank_name', 'bank_code', 'base_url', 'client_id', 'client_secret'] as const
const LONGEST: Record<string, number> = { bank_name: 128, bank_code: 32 }

type Given = Static<typeof Body> & Record<string, unknown>

/** As `createBank` takes it: the bank's own provider where the body has what that needs, else what the contract tells of. */
function wantedOf(app: App, { environment }: Actor, user_id: string, body: Given): CreateBank {
  for (const path of ['cert_path', 'key_path'])
    if (body[path] !== undefined && body[path] !== null)
      throw invalid(
        path,
        `${path}: no file is read from here; send PEM, the certificate as certificate and its key as private_key`,
      )
  const needed = body.provider === undefined ? NEEDED : NEEDED.slice(0, 2)
  for (const field of needed) textOf(body, field)
  const bank_code = textOf(body, 'bank_code')
  checkCode(bank_code)
  return {
    user_id,
    name: textOf(body, 'bank_name'),
    bank_code,
    environment: environment === 'live' ? 'production' : 'development',
    ...accessOf(app, body),
  }
}

function textOf(body: Given, field: string): string {
  const value = body[field]
  if (typeof value !== 'string' || value === '') throw invalid(field, `${field} is missing`)
  const most = LONGEST[field] ?? 4_000
  if (value.length > most) throw invalid(field, `${field} may have ${most} letters at most`)
  return value
}

const invalid = (field: string, detail: string) => new Problem('invalid_request', { field, detail })

function accessOf(app: App, body: Given): Pick<CreateBank, 'provider' | 'settings' | 'credentials'> {
  const id = typeof body.provider === 'string' ? body.provider : usualProvider(body)
  if (id === PLAIN) return plainAccess(body)
  const settings: Record<string, unknown> = {}
  const credentials: Record<string, unknown> = {}
  const given: Given = { ...body, certificate_key: body['certificate_key'] ?? body.private_key }
  for (const { key, secret } of app.providers.get(id)?.fields ?? [])
    if (given[key] !== undefined) (secret ? credentials : settings)[key] = given[key]
  return { provider: id, settings, credentials }
}

/** What every bank of Open Finance has beside the fields of the contract. */
const usualProvider = (body: Given): string => ('issuer' in body ? 'open_finance' : PLAIN)

/** Of a bank of which nothing is known but the contract's fields: kept, sealed, and skipped by syncs. */
const PLAIN = 'http'

function plainAccess(body: Given): Pick<CreateBank, 'provider' | 'settings' | 'credentials'> {
  const { base_url, client_id, client_secret, certificate, private_key } = body
  const mtls = certificate !== undefined && certificate !== null
  return {
    provider: PLAIN,
    settings: { base_url, auth: 'oauth2_client_credentials', token_url: '/oauth/token', mtls },
    credentials: { client_id, client_secret, ...(mtls && { certificate, certificate_key: private_key }) },
  }
}

/** Whoever waits, waits no longer than this: what is not done then goes on, and is told by events. */
const PATIENCE_MS = 55_000

function syncs(http: Http, app: App): void {
  http.post(
    '/api/users/:user_id/openfinance/sync-all',
    {
      config: { access: 'banking:operate' },
      schema: {
        operationId: 'syncUserBanks',
        summary: 'Sync all banks of a user, at most ten times an hour',
        tags,
        params: UserParams,
        response: { 200: All, '4xx': Refused },
      },
    },
    async (request, reply) => {
      const began = app.clock.monotonic()
      const synced = await syncAll(app, request.actor, request.params.user_id, { wait_ms: PATIENCE_MS })
      if (synced.length === 0) return refuse(reply, 404, 'no_active_banks')
      return toAll(synced, app.clock.monotonic() - began)
    },
  )

  http.post(
    '/api/users/:user_id/openfinance/sync',
    {
      config: { access: 'banking:operate' },
      schema: {
        operationId: 'syncUserBank',
        summary: 'Sync one bank of a user',
        tags,
        params: UserParams,
        body: Type.Object(
          {
            provider: Type.Unknown({ description: 'Its bank_code', examples: ['00000000'] }),
            bank_id: Type.Optional(
              Type.Unknown({ description: 'Where the user has several with that code' }),
            ),
          },
          { additionalProperties: true },
        ),
        response: { 200: Result, '4xx': Refused },
      },
    },
    async (request, reply) => {
      const { provider, bank_id } = request.body
      const only = (bank: BankRow) =>
        bank_id === undefined ? bank.bank_code === provider : String(bank.number) === String(bank_id)
      const { actor, params } = request
      const matching = ((await banksOf(app, actor, params.user_id)) ?? []).filter(only)
      if (matching.length > 1)
        return refuse(reply, 409, 'provider_is_ambiguous: name one of its banks by bank_id')
      if (matching.length === 0) return refuse(reply, 404, 'bank_not_found')
      const [synced] = await syncAll(app, actor, params.user_id, { only, wait_ms: PATIENCE_MS })
      return synced ? toResult(synced) : refuse(reply, 404, 'no_active_banks')
    },
  )
}

const STATUSES = {
  succeeded: 'success',
  failed: 'error',
  skipped: 'skipped',
  queued: 'running',
  running: 'running',
}

const toResult = ({ bank, sync }: Synced): Static<typeof Result> => ({
  bank_id: bank.number,
  bank: bank.name,
  bank_code: bank.bank_code,
  imported: sync.imported,
  skipped: sync.skipped,
  status: STATUSES[sync.state],
  ...(sync.error !== null && { error: sync.error, message: sync.message ?? sync.error }),
})

/** `success` says that all were tried; how each of them went stands in its result. */
function toAll(synced: Synced[], duration_ms: number): Static<typeof All> {
  const results = synced.map(toResult)
  const sum = (field: 'imported' | 'skipped') => results.reduce((total, one) => total + one[field], 0)
  return {
    status: 'success',
    banks_synced: results.filter(({ status }) => status === 'success').length,
    banks_failed: results.filter(({ status }) => status === 'error').length,
    total_imported: sum('imported'),
    total_skipped: sum('skipped'),
    results,
    duration_ms: Math.round(duration_ms * 100) / 100,
  }
}
