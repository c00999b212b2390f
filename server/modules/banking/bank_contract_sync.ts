import Type, { type Static } from 'typebox'
import type { App, Http } from '../app.ts'
import { banksOf, Refused, refuse, tags, UserParams } from './contract_manners.ts'
import type { BankRow } from './queries.ts'
import { type Synced, syncAll } from './syncs.ts'

/** The published contract of syncs: one bank of a user, or all of them. */

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

/** Whoever waits, waits no longer than this: what is not done then goes on, and is told by events. */
const PATIENCE_MS = 55_000

export function syncContract(http: Http, app: App): void {
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
        bank_id === undefined
          ? bank.bank_code === provider
          : typeof bank_id !== 'object' && String(bank.number) === String(bank_id)
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
