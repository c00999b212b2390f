import type { FastifyReply } from 'fastify'
import Type, { type Static } from 'typebox'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App, Http } from '../app.ts'
import { type ConsentRow, listConsents } from './consent_queries.ts'
import { createConsent } from './consents.ts'
import { type BankRow, listOwn } from './queries.ts'

/**
 * The published contract of `/api/users/{user_id}/openfinance/consents`: fields that are not known are passed over, a
 * consent is `active` or `inactive`, and what is wrong is `{"error": …}`. `state` has Open Finance's own word beside it.
 */
const tags = ['Open Finance']
const Params = Type.Object(
  { user_id: Type.String({ minLength: 1, maxLength: 64 }) },
  { additionalProperties: false },
)

const Body = Type.Object(
  {
    provider: Type.Optional(
      Type.Unknown({
        description: 'bank_code, or the id of its connection where there are several of that bank',
      }),
    ),
    cpf: Type.Optional(
      Type.Unknown({ description: 'Of the person who agrees; user_id where that is a CPF' }),
    ),
    cnpj: Type.Optional(Type.Unknown({ description: 'Of the company they agree for' })),
    expires_at: Type.Optional(Type.Unknown({ description: 'RFC 3339' })),
    return_to: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: true, examples: [{ provider: '00000000', cpf: '52998224725' }] },
)

const Told = Type.Object({
  consent_id: Type.String(),
  provider: Type.String(),
  status: Type.Union([Type.Literal('active'), Type.Literal('inactive')]),
  state: Type.String(),
  expires_at: Type.Union([Type.String(), Type.Null()]),
})
const Created = Type.Object({ ...Told.properties, redirect_url: Type.String() })
const Refused = Type.Object({ error: Type.String() })

export function consentContract(http: Http, app: App): void {
  http.register(async (plain) => {
    const scope = plain as Http
    scope.setErrorHandler((error, request, reply) => {
      request.problem = error instanceof Problem ? error : null
      const status =
        error instanceof Problem ? error.status : ((error as { statusCode?: number }).statusCode ?? 500)
      if (status >= 500 && !(error instanceof Problem)) throw error
      return refuse(reply, status, error instanceof Problem ? error.code : 'invalid_request')
    })
    creating(scope, app)
    listing(scope, app)
  })
}

const refuse = (reply: FastifyReply, status: number, error: string) => reply.code(status).send({ error })

function creating(http: Http, app: App): void {
  http.post(
    '/api/users/:user_id/openfinance/consents',
    {
      config: { access: 'banking:write' },
      schema: {
        operationId: 'createUserConsent',
        summary: 'Ask a bank of a user for a consent',
        tags,
        params: Params,
        body: Body,
        response: { 201: Created, '4xx': Refused },
      },
    },
    async (request, reply) => {
      const { user_id } = request.params
      const asked = readBody(user_id, request.body)
      if ('error' in asked) return refuse(reply, 400, asked.error)
      const bank = pick(await banksOf(app, request.actor, user_id), asked.provider)
      if (typeof bank === 'string') return refuse(reply, bank === 'bank_not_found' ? 404 : 409, bank)
      const { provider: _, ...wanted } = asked
      const made = await createConsent(app, request.actor, toWire('bank', bank.id), wanted)
      return reply.code(201).send({
        consent_id: made.id,
        provider: bank.bank_code,
        status: statusOf(made.state),
        state: made.state,
        redirect_url: made.redirect_url,
        expires_at: made.expires_at,
      })
    },
  )
}

const MOST_LISTED = 200

function listing(http: Http, app: App): void {
  http.get(
    '/api/users/:user_id/openfinance/consents',
    {
      config: { access: 'banking:read' },
      schema: {
        operationId: 'listUserConsents',
        summary: 'List the consents of a user, newest first',
        tags,
        params: Params,
        response: { 200: Type.Object({ consents: Type.Array(Told) }), '4xx': Refused },
      },
    },
    async (request) => {
      const { tenant_id } = request.actor
      const { user_id } = request.params
      const codes = new Map(
        (await banksOf(app, request.actor, user_id)).map((bank) => [bank.id, bank.bank_code]),
      )
      const rows = await inTenant(app.db, tenant_id, (tx) =>
        listConsents(tx, tenant_id, { user_id }, MOST_LISTED, null),
      )
      return { consents: rows.slice(0, MOST_LISTED).map((row) => toTold(row, codes.get(row.bank_id) ?? '')) }
    },
  )
}

const statusOf = (state: string) => (state === 'AUTHORISED' ? ('active' as const) : ('inactive' as const))

const toTold = (row: ConsentRow, provider: string): Static<typeof Told> => ({
  consent_id: toWire('bank_consent', row.id),
  provider,
  status: statusOf(row.state),
  state: row.state,
  expires_at: row.expires_at?.toISOString() ?? null,
})

const banksOf = (app: App, { tenant_id }: Actor, user_id: string): Promise<BankRow[]> =>
  inTenant(app.db, tenant_id, (tx) => listOwn(tx, tenant_id, user_id))

/** By its code where that names one bank alone, else by its connection. */
function pick(banks: BankRow[], provider: string): BankRow | 'bank_not_found' | 'provider_is_ambiguous' {
  const connection_id = provider.startsWith('con_') ? fromWire('connection', provider, 'provider') : null
  const found = banks.filter((bank) =>
    connection_id === null ? bank.bank_code === provider : bank.connection_id === connection_id,
  )
  const [bank] = found
  if (!bank) return 'bank_not_found'
  return found.length > 1 ? 'provider_is_ambiguous' : bank
}

function readBody(user_id: string, { provider, cpf, cnpj, expires_at, return_to }: Static<typeof Body>) {
  const document = digitsOf(cpf ?? user_id)
  const business_document = cnpj === undefined ? undefined : digitsOf(cnpj)
  if (typeof provider !== 'string' || provider === '') return { error: 'missing_provider' }
  if (!/^[0-9]{11}$/.test(document)) return { error: cpf === undefined ? 'missing_cpf' : 'invalid_cpf' }
  if (business_document !== undefined && !/^[0-9A-Z]{14}$/.test(business_document))
    return { error: 'invalid_cnpj' }
  const until = expires_at === undefined || expires_at === null ? null : new Date(spelled(expires_at))
  if (until && Number.isNaN(until.getTime())) return { error: 'invalid_expires_at' }
  if (return_to !== undefined && typeof return_to !== 'string') return { error: 'invalid_return_to' }
  return {
    provider,
    document,
    ...(business_document !== undefined && { business_document }),
    ...(until && { expires_at: until.toISOString() }),
    ...(return_to !== undefined && { return_to }),
  }
}

const digitsOf = (value: unknown): string => spelled(value).replace(/[\s./-]/g, '')

/** An object is no text, and one with a `toString` of its own cannot even be made one. */
const spelled = (value: unknown): string => (typeof value === 'object' ? '' : String(value))
