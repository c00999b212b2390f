import Type, { type Static } from 'typebox'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { checkCode } from './banking.ts'
import type { CreateBank } from './schema.ts'

/** What the published contract sends to connect a bank, and what we make of it. */

export const Body = Type.Object(
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

const NEEDED = ['bank_name', 'bank_code', 'base_url', 'client_id', 'client_secret'] as const
const LONGEST: Record<string, number> = { bank_name: 128, bank_code: 32 }

type Given = Static<typeof Body> & Record<string, unknown>

/** As `createBank` takes it: the bank's own provider where the body has what that needs, else what the contract tells of. */
export function wantedOf(app: App, { environment }: Actor, user_id: string, body: Given): CreateBank {
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
