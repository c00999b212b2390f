import { randomUUID } from 'node:crypto'
import { type Answer, type Asked, moment, NOT_FOUND, ok, refuse } from './replies.ts'

/** Consents 3.2.0: what a customer lets one client read. Kept in memory. */
export type Consent = {
  id: string
  client_id: string
  status: 'AWAITING_AUTHORISATION' | 'AUTHORISED' | 'REJECTED'
  permissions: string[]
  document: string
  business_document: string | null
  created_at: Date
  updated_at: Date
  expires_at: Date | null
  rejection: { rejectedBy: 'USER' | 'ASPSP' | 'TPP'; code: string; detail: string | null } | null
  extensions: Extension[]
  /** Of the authorization server, once somebody approved. */
  grant_id: string | null
}

type Extension = {
  expirationDateTime?: string
  previousExpirationDateTime?: string
  requestDateTime: string
  loggedUser: { document: { identification: string; rel: string } }
}

export type Consents = {
  find(id: string): Consent | undefined
  ids(): string[]
  approve(id: string, grant_id: string | null): void
  reject(id: string, rejectedBy: 'USER' | 'ASPSP' | 'TPP', code: string): void
  /** `client_id` of a token of the client itself; `consent_id` of one that is of a consent. */
  answer(asked: Asked, by: By): Answer
}

type By = { client_id: string; consent_id: string | null }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** `onReject` ends what was given for it. */
export function createConsents(organisation: string, onReject: (consent: Consent) => void): Consents {
  const kept = new Map<string, Consent>()

  function end(consent: Consent, rejectedBy: 'USER' | 'ASPSP' | 'TPP', code: string): void {
    Object.assign(consent, { status: 'REJECTED', updated_at: new Date() })
    consent.rejection = { rejectedBy, code, detail: null }
    onReject(consent)
  }

  /** What time alone has ended is ended when somebody looks. */
  function find(id: string): Consent | undefined {
    const consent = kept.get(id)
    if (!consent) return undefined
    const now = Date.now()
    const waited_ms = now - consent.created_at.getTime()
    if (consent.status === 'AWAITING_AUTHORISATION' && waited_ms > HOUR_MS)
      end(consent, 'USER', 'CONSENT_EXPIRED')
    if (consent.status === 'AUTHORISED' && consent.expires_at && consent.expires_at.getTime() < now)
      end(consent, 'ASPSP', 'CONSENT_MAX_DATE_REACHED')
    return consent
  }

  function create(asked: Asked, client_id: string): Answer {
    const wanted = readWanted(asked.body)
    if ('status' in wanted) return wanted
    const now = new Date()
    const consent: Consent = {
      id: `urn:${organisation}:${randomUUID()}`,
      client_id,
      status: 'AWAITING_AUTHORISATION',
      ...wanted,
      created_at: now,
      updated_at: now,
      rejection: null,
      extensions: [],
      grant_id: null,
    }
    kept.set(consent.id, consent)
    return ok(shown(consent), 201)
  }

  return {
    find,
    ids: () => [...kept.keys()],
    approve: (id, grant_id) => {
      const consent = find(id)
      if (consent?.status !== 'AWAITING_AUTHORISATION') throw new Error('this consent is not awaited')
      Object.assign(consent, { status: 'AUTHORISED', updated_at: new Date(), grant_id })
    },
    reject: (id, by, code) => {
      const consent = find(id)
      if (!consent || consent.status === 'REJECTED') throw new Error('this consent is over')
      end(consent, by, code)
    },
    answer: (asked, by) => answer(asked, by, { find, create, end }),
  }
}

type Inside = {
  find(id: string): Consent | undefined
  create(asked: Asked, client_id: string): Answer
  end(consent: Consent, rejectedBy: 'USER' | 'ASPSP' | 'TPP', code: string): void
}

function answer(asked: Asked, by: By, { find, create, end }: Inside): Answer {
  const [, , , , id, what] = asked.path.split('/').map(decodeURIComponent) // /consents/v3/consents/{id}/…
  if (id === undefined) return asked.method === 'POST' ? create(asked, by.client_id) : NOT_FOUND
  const consent = find(id)
  if (!consent || consent.client_id !== by.client_id) return NOT_FOUND
  if (what === 'extends') return extend(asked, consent, by.consent_id)
  if (what === 'extensions')
    return ok({ data: consent.extensions, ...envelope(asked, consent.extensions.length) })
  if (asked.method === 'GET') return ok(shown(consent))
  if (asked.method !== 'DELETE') return refuse(405, 'METODO_NAO_PERMITIDO', 'Método não permitido')
  if (consent.status === 'REJECTED')
    return refuse(422, 'CONSENTIMENTO_EM_STATUS_REJEITADO', 'O consentimento já foi rejeitado')
  const was_given = consent.status === 'AUTHORISED'
  end(consent, 'USER', was_given ? 'CUSTOMER_MANUALLY_REVOKED' : 'CUSTOMER_MANUALLY_REJECTED')
  return { status: 204, body: null }
}

const envelope = (asked: Asked, totalRecords: number) => ({
  links: { self: `${asked.base}${asked.path}` },
  meta: { totalRecords, totalPages: 1, requestDateTime: moment(new Date()) },
})

function extend(asked: Asked, consent: Consent, consent_id: string | null): Answer {
  if (consent_id !== consent.id)
    return refuse(401, 'NAO_AUTORIZADO', 'A renovação usa o token do próprio consentimento')
  if (consent.status !== 'AUTHORISED')
    return refuse(422, 'ESTADO_CONSENTIMENTO_INVALIDO', 'O consentimento não está autorizado')
  const given = dataOf(asked.body)
  const document = (given['loggedUser'] as { document?: { identification?: string } } | undefined)?.document
  if (document?.identification !== consent.document)
    return refuse(403, 'NAO_AUTORIZADO', 'O documento não é o do consentimento')
  const until = given['expirationDateTime']
  const expires_at = until === undefined ? null : readMoment(until)
  if (expires_at === undefined || (expires_at && !isAllowed(expires_at)))
    return refuse(422, 'DATA_EXPIRACAO_INVALIDA', 'expirationDateTime está fora do permitido')
  const before = consent.expires_at
  consent.extensions.unshift({
    ...(expires_at && { expirationDateTime: moment(expires_at) }),
    ...(before && { previousExpirationDateTime: moment(before) }),
    requestDateTime: moment(new Date()),
    loggedUser: { document: { identification: consent.document, rel: 'CPF' } },
  })
  Object.assign(consent, { expires_at, updated_at: new Date() })
  const { data, meta } = shown(consent)
  return ok({ data, meta }, 201)
}

const isAllowed = (at: Date): boolean => {
  const ahead_ms = at.getTime() - Date.now()
  return ahead_ms > 0 && ahead_ms <= 366 * DAY_MS
}

function dataOf(body: string): Record<string, unknown> {
  try {
    const { data } = JSON.parse(body) as { data?: Record<string, unknown> }
    return data ?? {}
  } catch {
    return {}
  }
}

const readMoment = (value: unknown): Date | undefined =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(value)
    ? new Date(value)
    : undefined

/** Each group of data is asked for as a whole. */
const GROUPS = [
  ['ACCOUNTS_READ', 'ACCOUNTS_BALANCES_READ', 'RESOURCES_READ'],
  ['ACCOUNTS_READ', 'ACCOUNTS_OVERDRAFT_LIMITS_READ', 'RESOURCES_READ'],
  ['ACCOUNTS_READ', 'ACCOUNTS_TRANSACTIONS_READ', 'RESOURCES_READ'],
  ['CREDIT_CARDS_ACCOUNTS_READ', 'CREDIT_CARDS_ACCOUNTS_LIMITS_READ', 'RESOURCES_READ'],
  ['CREDIT_CARDS_ACCOUNTS_READ', 'CREDIT_CARDS_ACCOUNTS_TRANSACTIONS_READ', 'RESOURCES_READ'],
  [
    'CREDIT_CARDS_ACCOUNTS_READ',
    'CREDIT_CARDS_ACCOUNTS_BILLS_READ',
    'CREDIT_CARDS_ACCOUNTS_BILLS_TRANSACTIONS_READ',
    'RESOURCES_READ',
  ],
]

type Wanted = Pick<Consent, 'permissions' | 'document' | 'business_document' | 'expires_at'>

function readWanted(body: string): Wanted | Answer {
  const { permissions, loggedUser, businessEntity, expirationDateTime } = dataOf(body) as {
    permissions?: unknown
    loggedUser?: { document?: { identification?: unknown; rel?: unknown } }
    businessEntity?: { document?: { identification?: string } }
    expirationDateTime?: unknown
  }
  const document = loggedUser?.document
  if (!Array.isArray(permissions) || permissions.length === 0 || document?.rel !== 'CPF')
    return refuse(400, 'PARAMETRO_NAO_INFORMADO', 'permissions e loggedUser são obrigatórios')
  if (typeof document.identification !== 'string' || !/^\d{11}$/.test(document.identification))
    return refuse(400, 'PARAMETRO_INVALIDO', 'loggedUser.document.identification tem 11 dígitos')
  const whole = GROUPS.filter((group) => group.every((one) => permissions.includes(one)))
  if (!permissions.every((one) => whole.some((group) => group.includes(String(one)))))
    return refuse(422, 'COMBINACAO_PERMISSOES_INCORRETA', 'As permissões não formam agrupamentos completos')
  const expires_at = expirationDateTime === undefined ? null : readMoment(expirationDateTime)
  if (expires_at === undefined || (expires_at && !isAllowed(expires_at)))
    return refuse(422, 'DATA_EXPIRACAO_INVALIDA', 'expirationDateTime está fora do permitido')
  const business_document = businessEntity?.document?.identification ?? null
  return {
    permissions: permissions.map(String),
    document: document.identification,
    business_document,
    expires_at,
  }
}

const shown = (consent: Consent) => ({
  data: {
    consentId: consent.id,
    creationDateTime: moment(consent.created_at),
    status: consent.status,
    statusUpdateDateTime: moment(consent.updated_at),
    permissions: consent.permissions,
    ...(consent.expires_at && { expirationDateTime: moment(consent.expires_at) }),
    ...(consent.rejection && {
      rejection: {
        rejectedBy: consent.rejection.rejectedBy,
        reason: { code: consent.rejection.code },
      },
    }),
  },
  meta: { requestDateTime: moment(new Date()) },
})
