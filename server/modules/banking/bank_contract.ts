import Type from 'typebox'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App, Http } from '../app.ts'
import { Body, wantedOf } from './bank_contract_body.ts'
import { syncContract } from './bank_contract_sync.ts'
import { connectBank } from './bank_repeat.ts'
import { deleteBank } from './banking.ts'
import { answerPlainly, banksOf, Refused, refuse, tags, UserParams } from './contract_manners.ts'
import { type BankRow, findByNumber } from './queries.ts'

/**
 * The published contract of `/api/users/{user_id}/banks` and `/api/users/{user_id}/openfinance/sync`, `sync-all`:
 * integer ids, fields that are not known are passed over, and what is wrong is `{"error": …}`.
 */
const BankParams = Type.Object(
  { ...UserParams.properties, bank_id: Type.String({ maxLength: 64 }) },
  { additionalProperties: false },
)

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
export function bankContract(http: Http, app: App): void {
  http.register(async (plain) => {
    const scope = plain as Http
    answerPlainly(scope)
    readingBanks(scope, app)
    changingBanks(scope, app)
    syncContract(scope, app)
  })
}

function readingBanks(http: Http, app: App): void {
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
}

function changingBanks(http: Http, app: App): void {
  http.post(
    '/api/users/:user_id/banks',
    {
      config: { access: 'banking:write' },
      schema: {
        operationId: 'addUserBank',
        summary: 'Connect a bank of a user; the same sent again is the same bank',
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
      const { number } = await connectBank(app, actor, wanted)
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

const toListed = ({ number, name, bank_code, state, last_synced_at }: BankRow) => ({
  id: number,
  bank_name: name,
  bank_code,
  status: state,
  last_sync: last_synced_at && `${last_synced_at.toISOString().slice(0, -1)}+00:00`,
})

async function removeBank(app: App, actor: Actor, user_id: string, bank_id: string): Promise<boolean> {
  const number = /^[0-9]{1,9}$/.test(bank_id) ? Number(bank_id) : null
  if (number === null) return false
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, (tx) => findByNumber(tx, tenant_id, user_id, number))
  if (!row) return false
  await deleteBank(app, actor, toWire('bank', row.id))
  return true
}
