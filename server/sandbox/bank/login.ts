import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import Provider, { type Adapter, type Configuration, errors, type JWK } from 'oidc-provider'
import type { Consent, Consents } from './consents.ts'
import type { Directory } from './directory.ts'

/**
 * The bank's authorization server: a certified OpenID provider, held to FAPI 1.0 Advanced as Open Finance Brasil has
 * it. A request is a signed object that was pushed; the client shows a certificate and signs with PS256; ID tokens are
 * encrypted; tokens are bound to the certificate; refresh tokens are not rotated.
 */
export type Client = { client_id: string; name: string; redirect_uri: string; jwks: JWK[] }

export type Login = {
  provider: Provider
  serve(request: IncomingMessage, response: ServerResponse): void
  /** What a token lets in: whose it is, and for which consent. Null where it lets in nothing. */
  bearer(token: string, thumbprint: string | null): Promise<Bearer | null>
  endGrant(grant_id: string): Promise<void>
}
export type Bearer = { client_id: string; scopes: Set<string>; consent_id: string | null }

type Options = {
  issuer: string
  aliases: string | null
  name: string
  client: Client
  signing_key: JWK
  token_life_s: number
  consents: Consents
  directory: Directory
}

export const LOA2 = 'urn:brasil:openbanking:loa2'
const RESOURCE = 'urn:openbanking'
const SCOPES = ['consents', 'accounts', 'credit-cards-accounts', 'resources']

export function createLogin(options: Options): Login {
  const { consents } = options
  const provider = new Provider(options.issuer, configuration(options))
  provider.on('server_error', (_ctx, error) => process.emitWarning(error))
  const serve = provider.callback()
  return {
    provider,
    serve: (request, response) => {
      if (request.url?.startsWith('/reg') && !certificateOf(request)) {
        response.writeHead(401, { 'content-type': 'application/json' })
        response.end('{"error":"invalid_client","error_description":"no certificate was shown"}')
        return
      }
      const uid = /^\/interaction\/([\w-]+)$/.exec(request.url ?? '')?.[1]
      if (uid === undefined) void serve(request, response)
      else
        interact(provider, consents, options.name, request, response).catch((error: Error) => {
          response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' }).end(error.message)
        })
    },
    bearer: (token, thumbprint) => bearer(provider, token, thumbprint),
    endGrant: async (grant_id) => {
      await Promise.all([
        provider.AccessToken.revokeByGrantId(grant_id),
        provider.RefreshToken.revokeByGrantId(grant_id),
        provider.AuthorizationCode.revokeByGrantId(grant_id),
      ])
      await (await provider.Grant.find(grant_id))?.destroy()
    },
  }
}

async function bearer(provider: Provider, text: string, thumbprint: string | null): Promise<Bearer | null> {
  const token = (await provider.AccessToken.find(text)) ?? (await provider.ClientCredentials.find(text))
  if (!token?.clientId || thumbprint === null || token['x5t#S256'] !== thumbprint) return null
  const scopes = new Set((token.scope ?? '').split(' '))
  const consent = [...scopes].find((scope) => scope.startsWith('consent:'))
  return { client_id: token.clientId, scopes, consent_id: consent?.slice('consent:'.length) ?? null }
}

function configuration(options: Options): Configuration {
  const { client, signing_key, token_life_s, aliases, directory } = options
  return {
    adapter: inMemory(),
    clients: [clientMetadata(client)],
    jwks: { keys: [signing_key] },
    acrValues: [LOA2, 'urn:brasil:openbanking:loa3'],
    claims: { acr: null, openid: ['sub'] },
    clientAuthMethods: ['private_key_jwt'],
    clientDefaults: { authorization_signed_response_alg: 'PS256' },
    conformIdTokenClaims: true,
    cookies: { keys: [client.client_id] },
    discovery: aliases === null ? {} : { mtls_endpoint_aliases: aliasesAt(aliases) },
    enabledJWA: {
      clientAuthSigningAlgValues: ['PS256'],
      idTokenSigningAlgValues: ['PS256'],
      requestObjectSigningAlgValues: ['PS256'],
      authorizationSigningAlgValues: ['PS256'],
      idTokenEncryptionAlgValues: ['RSA-OAEP'],
      idTokenEncryptionEncValues: ['A256GCM'],
    },
    extraClientMetadata: {
      properties: ['software_statement'],
      validator: (_ctx, _key, _value, metadata) => {
        if (metadata.client_id === client.client_id) return // registered by hand
        const fault = directory.fault(metadata)
        if (fault) throw new errors.InvalidClientMetadata(fault)
      },
    },
    features: features(options),
    fetch: async (url, init) => directory.fetch(String(url)) ?? fetch(url, init),
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    pkce: { required: () => true },
    responseTypes: ['code id_token', 'code'],
    rotateRefreshToken: false,
    scopes: ['openid'],
    ttl: {
      AccessToken: token_life_s,
      AuthorizationCode: 60,
      ClientCredentials: token_life_s,
      Grant: 366 * 86_400,
      IdToken: 300,
      Interaction: 3600,
      RefreshToken: 366 * 86_400,
      Session: 3600,
    },
  }
}

const clientMetadata = (client: Client): NonNullable<Configuration['clients']>[number] => ({
  client_id: client.client_id,
  client_name: client.name,
  application_type: client.redirect_uri.startsWith('https:') ? 'web' : 'native',
  redirect_uris: [client.redirect_uri],
  grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
  response_types: ['code id_token', 'code'],
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'PS256',
  request_object_signing_alg: 'PS256',
  id_token_signed_response_alg: 'PS256',
  id_token_encrypted_response_alg: 'RSA-OAEP',
  id_token_encrypted_response_enc: 'A256GCM',
  authorization_signed_response_alg: 'PS256',
  tls_client_certificate_bound_access_tokens: true,
  require_pushed_authorization_requests: true,
  require_signed_request_object: true,
  jwks: { keys: client.jwks },
})

const features = ({ consents, token_life_s }: Options): NonNullable<Configuration['features']> => ({
  claimsParameter: { enabled: true },
  clientCredentials: { enabled: true },
  devInteractions: { enabled: false },
  encryption: { enabled: true },
  fapi: { enabled: true, profile: '1.0 Final' },
  jwtResponseModes: { enabled: true },
  mTLS: {
    enabled: true,
    certificateBoundAccessTokens: true,
    getCertificate: ({ req }) => certificateOf(req),
  },
  pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
  registration: { enabled: true },
  registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
  requestObjects: { enabled: true, requireSignedRequestObject: true },
  resourceIndicators: {
    enabled: true,
    defaultResource: () => RESOURCE,
    useGrantedResource: () => true,
    // Each consent is a scope of its own.
    getResourceServerInfo: () => ({
      scope: [...SCOPES, ...consents.ids().map((id) => `consent:${id}`)].join(' '),
      accessTokenFormat: 'opaque',
      accessTokenTTL: token_life_s,
    }),
  },
  rpInitiatedLogout: { enabled: false },
})

const aliasesAt = (url: string) => ({
  token_endpoint: `${url}/token`,
  pushed_authorization_request_endpoint: `${url}/request`,
})

/** One that the bank's authority issued, or none. */
export function certificateOf({ socket }: IncomingMessage): X509Certificate | undefined {
  const tls = socket as TLSSocket
  return tls.authorized ? tls.getPeerX509Certificate() : undefined
}

/** The page on which the bank's customer approves or rejects, and what becomes of it. */
async function interact(
  provider: Provider,
  consents: Consents,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params, prompt, lastSubmission } = await provider.interactionDetails(request, response)
  const scope = String(params['scope'])
  const id = /(?:^| )consent:(\S+)/.exec(scope)?.[1] ?? ''
  const consent = consents.find(id)
  const given = (lastSubmission?.['consent'] as { grantId?: string } | undefined)?.grantId
  if (prompt.name === 'consent' && given !== undefined && given === consent?.grant_id) {
    // Logged in by the same page a moment ago.
    return provider.interactionFinished(request, response, { consent: { grantId: given } })
  }
  if (consent?.status !== 'AWAITING_AUTHORISATION') {
    const error_description = 'there is no such consent, or it is not awaited any more'
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description })
  }
  if (request.method === 'GET') return showPage(response, name, consent)
  if (new URLSearchParams(await textOf(request)).get('decision') !== 'approve') {
    consents.reject(id, 'USER', 'CUSTOMER_MANUALLY_REJECTED')
    const error_description = 'the customer rejected the consent'
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description })
  }
  const accountId = consent.document
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) })
  grant.addOIDCScope('openid')
  grant.addResourceScope(RESOURCE, scope)
  grant.addOIDCClaims(['acr'])
  const grantId = await grant.save()
  consents.approve(id, grantId)
  const login = { accountId, acr: LOA2, remember: false }
  return provider.interactionFinished(request, response, { login, consent: { grantId } })
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function showPage(response: ServerResponse, name: string, { permissions, expires_at }: Consent): void {
  const items = permissions.map((one) => `<li>${one}</li>`).join('')
  const until = expires_at ? `até ${expires_at.toISOString().slice(0, 10)}` : 'por prazo indeterminado'
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html>
<html lang="pt-BR"><head><meta charset="utf-8"><title>${name}</title></head>
<body><h1>${name}</h1><p>Compartilhar estes dados ${until}?</p><ul>${items}</ul>
<form method="post"><button name="decision" value="approve">Autorizar</button>
<button name="decision" value="reject">Rejeitar</button></form></body></html>
`)
}

/** Forgets at the end of the process; what has a uid or a grant is found by it. */
function inMemory(): (name: string) => Adapter {
  const stored = new Map<string, { payload: Record<string, unknown>; ends_ms: number }>()
  return (name) => {
    const place = (id: string) => `${name} ${id}`
    const alive = (key: string) => {
      const found = stored.get(key)
      return found && found.ends_ms > Date.now() ? found.payload : undefined
    }
    return {
      upsert: async (id, payload, life_s) => {
        const ends_ms = life_s ? Date.now() + life_s * 1000 : Number.POSITIVE_INFINITY
        stored.set(place(id), { payload: { ...payload }, ends_ms })
      },
      find: async (id) => alive(place(id)),
      findByUid: async (uid) =>
        [...stored.keys()]
          .filter((key) => key.startsWith(`${name} `))
          .map(alive)
          .find((payload) => payload?.['uid'] === uid),
      findByUserCode: async () => undefined,
      consume: async (id) => {
        const found = stored.get(place(id))
        if (found) found.payload['consumed'] = Math.floor(Date.now() / 1000)
      },
      destroy: async (id) => void stored.delete(place(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, { payload }] of stored)
          if (key.startsWith(`${name} `) && payload['grantId'] === grantId) stored.delete(key)
      },
    }
  }
}
