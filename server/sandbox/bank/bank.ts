import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  type X509Certificate,
} from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'oidc-provider'
import { answerAccounts, type Books, resourcesOf } from './accounts.ts'
import { type Authority, createAuthority, pem } from './authority.ts'
import { answerCards, cardResources } from './cards.ts'
import { type Consents, createConsents } from './consents.ts'
import { createDirectory, type Directory } from './directory.ts'
import { createLedger } from './ledger.ts'
import { type Bearer, certificateOf, createLogin, LOA2, type Login } from './login.ts'
import { type Answer, type Asked, FORBIDDEN, list, NOT_FOUND, refuse } from './replies.ts'

/**
 * A bank of Open Finance Brasil on sockets of its own: an authorization server of FAPI 1.0 Advanced with a page where
 * its customer approves, and the APIs of consents, accounts, credit cards and resources. Several may run at once. It is
 * written from the specifications, holds its clients to them, and can be told to fail. Everything is forgotten at the end.
 */
export type Bank = {
  name: string
  ispb: string
  /** The authorization server, and the APIs below it. */
  issuer: string
  api: string
  /** The authority that the bank's certificate is of, in PEM. */
  authority: string
  /** What a client of this bank has: given to it by the directory and by registration. */
  registration: Registration
  /** Who vouches for clients that register themselves, at `/reg`. */
  directory: Directory
  consents: Consents
  /** The bank's day goes on: what was processing is booked, under another id. */
  nextDay(): void
  /** The next `times` requests to a path that holds `path` are answered so. */
  fail(fault: Fault): void
  /** What its APIs were asked, method and path. */
  requests(): string[]
  stop(): Promise<void>
}

export type Fault = { path: string; status: number; times: number; retry_after_s?: number; mirror?: false }

/** Keys in PEM. */
export type Registration = {
  client_id: string
  organisation_id: string
  signing_key: string
  signing_key_id: string
  encryption_key: string
  certificate: string
  certificate_key: string
  acr: string
}

export type BankOptions = {
  name?: string
  ispb?: string
  compe?: string
  /** Where its customers are sent back to. */
  redirect_uri: string
  token_life_s?: number
  /** The token endpoint asks for certificates on a port of its own, named by `mtls_endpoint_aliases`. */
  aliases?: boolean
  /** Most that one page holds, whatever was asked. */
  most_a_page?: number
}

export async function startBank(options: BankOptions): Promise<Bank> {
  const { name = 'Banco de Teste', ispb = '99999001', compe = '901', token_life_s = 600 } = options
  const authority = createAuthority(`${name} authority`)
  const { registration, jwks } = register(authority)
  const tls = { ...serverIdentity(authority.issue('localhost', ['localhost'])), ca: [authority.certificate] }
  const handler: { answer: (request: IncomingMessage, response: ServerResponse) => void } = {
    answer: (_request, response) => void response.writeHead(503).end(),
  }
  const answer = (request: IncomingMessage, response: ServerResponse) => handler.answer(request, response)
  const asking = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, answer)
  const front = options.aliases ? createServer(tls, answer) : asking
  const mtls_url = await listen(asking)
  const issuer = options.aliases ? await listen(front) : mtls_url
  const directory = createDirectory({ redirect_uri: options.redirect_uri, jwks })
  let login: Login | null = null
  const consents = createConsents('bancodeteste', ({ grant_id }) => {
    if (grant_id !== null) void login?.endGrant(grant_id)
  })
  login = createLogin({
    issuer,
    aliases: options.aliases ? mtls_url : null,
    name,
    client: { ...registration, name: 'Trilho', redirect_uri: options.redirect_uri, jwks },
    signing_key: { ...rsa().export({ format: 'jwk' }), kid: 'bank', use: 'sig', alg: 'PS256' } as JWK,
    token_life_s,
    consents,
    directory,
  })
  const ledger = createLedger(ispb)
  const books: Books = { ledger, name, cnpj: `${ispb}000191`, compe, most: options.most_a_page ?? 100 }
  const faults: Fault[] = []
  const seen: string[] = []
  handler.answer = route({ login, consents, books, faults, seen, base: `${mtls_url}/open-banking` })
  return {
    name,
    ispb,
    issuer,
    api: `${mtls_url}/open-banking`,
    authority: authority.certificate,
    registration,
    directory,
    consents,
    nextDay: () => ledger.nextDay(),
    fail: (fault) => void faults.push({ ...fault }),
    requests: () => [...seen],
    stop: async () => {
      await Promise.all([...new Set([asking, front])].map(close))
    },
  }
}

/** What the directory and the bank know of its client. */
function register(authority: Authority): { registration: Registration; jwks: JWK[] } {
  const [signing, encryption] = [rsa(), rsa()]
  const { certificate, key } = authority.issue('client of the bank')
  const registration = {
    client_id: randomUUID(),
    organisation_id: randomUUID(),
    signing_key: pem(signing),
    signing_key_id: 'client-signing',
    encryption_key: pem(encryption),
    certificate,
    certificate_key: key,
    acr: LOA2,
  }
  const jwks = [
    publicJwk(signing, { kid: registration.signing_key_id, use: 'sig', alg: 'PS256' }),
    publicJwk(encryption, { kid: 'client-encryption', use: 'enc', alg: 'RSA-OAEP' }),
  ]
  return { registration, jwks }
}

const rsa = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

const serverIdentity = ({ certificate, key }: { certificate: string; key: string }) => ({
  cert: certificate,
  key,
})

function publicJwk(key: KeyObject, about: { kid: string; use: string; alg: string }): JWK {
  const { kty, n, e } = key.export({ format: 'jwk' })
  return { kty, n, e, ...about } as JWK
}

async function listen(server: Server): Promise<string> {
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `https://localhost:${(server.address() as AddressInfo).port}`
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

type Inside = {
  login: Login
  consents: Consents
  books: Books
  faults: Fault[]
  seen: string[]
  base: string
}

const API = '/open-banking'

function route(inside: Inside) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (!request.url?.startsWith(`${API}/`)) {
      inside.login.serve(request, response)
      return
    }
    answerApi(inside, request, response).catch((error: Error) => {
      process.emitWarning(error)
      response.writeHead(500).end()
    })
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

async function answerApi(inside: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const url = new URL(request.url ?? '', 'https://localhost')
  const asked: Asked = {
    method: request.method ?? 'GET',
    path: url.pathname.slice(API.length),
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks).toString(),
    thumbprint: thumbprintOf(certificateOf(request)),
    base: inside.base,
  }
  inside.seen.push(`${asked.method} ${asked.path}`)
  const fault = takeFault(inside.faults, asked.path)
  const interaction = String(request.headers['x-fapi-interaction-id'] ?? '')
  const answer = fault && fault.status !== 200 ? failed(fault) : await answerAsked(inside, asked, interaction)
  const body = answer.body === null ? '' : JSON.stringify(answer.body)
  response.writeHead(answer.status, {
    'content-type': 'application/json; charset=utf-8',
    'x-fapi-interaction-id': fault?.mirror === false || !UUID.test(interaction) ? randomUUID() : interaction,
    ...answer.headers,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

const thumbprintOf = (certificate: X509Certificate | undefined): string | null =>
  certificate ? createHash('sha256').update(certificate.raw).digest('base64url') : null

function takeFault(faults: Fault[], path: string): Fault | undefined {
  const fault = faults.find((one) => path.includes(one.path))
  if (!fault) return undefined
  fault.times -= 1
  if (fault.times <= 0) faults.splice(faults.indexOf(fault), 1)
  return fault
}

const failed = ({ status, retry_after_s }: Fault): Answer => ({
  ...refuse(status, TITLES[status] ?? 'ERRO_NAO_MAPEADO', `O banco foi instruído a responder ${status}`),
  ...(retry_after_s !== undefined && { headers: { 'retry-after': String(retry_after_s) } }),
})

const TITLES: Record<number, string> = {
  423: 'RECURSO_BLOQUEADO',
  429: 'LIMITE_EXCEDIDO',
  504: 'TEMPO_ESGOTADO',
  529: 'SITE_SOBRECARREGADO',
}

/** In the order of the profile: the header, the certificate and token, the scope, the consent. */
async function answerAsked(inside: Inside, asked: Asked, interaction: string): Promise<Answer> {
  if (!UUID.test(interaction))
    return refuse(400, 'PARAMETRO_INVALIDO', 'x-fapi-interaction-id é obrigatório e é um UUID')
  const token = /^Bearer (\S+)$/.exec(asked.headers.authorization ?? '')?.[1] ?? ''
  const bearer = await inside.login.bearer(token, asked.thumbprint)
  if (!bearer) return refuse(401, 'NAO_AUTORIZADO', 'Token inválido, ou de outro certificado')
  if (asked.path.startsWith('/consents/v3/consents')) {
    const may = bearer.scopes.has('consents') || asked.path.endsWith('/extends')
    return may ? inside.consents.answer(asked, bearer) : FORBIDDEN
  }
  return asked.method === 'GET'
    ? readData(inside, asked, bearer)
    : refuse(405, 'METODO_NAO_PERMITIDO', 'Método não permitido')
}

function readData({ consents, books }: Inside, asked: Asked, { scopes, consent_id }: Bearer): Answer {
  const consent = consent_id === null ? undefined : consents.find(consent_id)
  if (consent?.status !== 'AUTHORISED')
    return refuse(401, 'NAO_AUTORIZADO', 'O consentimento não está autorizado')
  const [, family = ''] = asked.path.split('/')
  if (!scopes.has(family)) return FORBIDDEN
  const { permissions } = consent
  if (asked.path.startsWith('/accounts/v2/accounts')) return answerAccounts(books, asked, permissions)
  if (asked.path.startsWith('/credit-cards-accounts/v2/accounts'))
    return answerCards(books, asked, permissions)
  if (asked.path !== '/resources/v3/resources') return NOT_FOUND
  const cards = permissions.includes('CREDIT_CARDS_ACCOUNTS_READ') ? cardResources() : []
  return list(asked, [...resourcesOf(), ...cards], books.most, true)
}
