import { createHash, X509Certificate } from 'node:crypto'
import { compactDecrypt, decodeJwt, decodeProtectedHeader } from 'jose'
import * as oauth from 'oauth4webapi'
import type { ClientIdentity } from '../../platform/egress/egress.ts'
import { type Asking, ask, notObtained, type Obtained, quoted } from './asking.ts'
import { credentialOf, privateKeyOf } from './credential.ts'

/**
 * FAPI 1.0 Advanced, the security profile of Open Finance Brasil: the client shows a certificate and signs with PS256;
 * what it asks is a signed object, pushed before anybody is sent away; the answer comes with an ID token that is
 * encrypted to the client and signs the code and the state; tokens are bound to the certificate.
 */
export type Fapi = {
  /** The server's name, whose `/.well-known/openid-configuration` says where everything is asked. */
  issuer: string
  /** Whether the addresses of its `mtls_endpoint_aliases` are asked: servers differ. */
  mtls_aliases: boolean
  /** `jwt` is a signed answer in the query (JARM), `code` a bare one. */
  response: 'code id_token' | 'jwt' | 'code'
  /** Credential field of the key that ID tokens are encrypted to; null where this server does not encrypt them. */
  encryption_key: string | null
  /** How sure the server has to be of who it was, any of these; asked as essential. */
  acr: readonly string[]
  /** Scope of the token the client gets on its own behalf. */
  client_scope: string
}

const ALGORITHM = 'PS256'
const TOLERANCE_S = 30

/** Asked anew each time: tokens live for minutes, and a server may move its addresses. */
export async function discover(
  fapi: Fapi,
  asking: Asking,
  client_id: string,
): Promise<
  | { server: oauth.AuthorizationServer; client: oauth.Client; endpoint: string }
  | Extract<Obtained, { ok: false }>
> {
  const issuer = new URL(fapi.issuer)
  try {
    const options = through(asking)
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
    if (!server.token_endpoint) return no('the server names no token_endpoint')
    // Its name is what assertions are for, at whichever of its addresses they are shown.
    return { server, client: clientOf(fapi, client_id), endpoint: server.issuer }
  } catch (error) {
    return no(`the server's configuration cannot be used: ${quoted(messageOf(error))}`)
  }
}

const clientOf = ({ mtls_aliases }: Fapi, client_id: string): oauth.Client => ({
  client_id,
  use_mtls_endpoint_aliases: mtls_aliases,
  id_token_signed_response_alg: ALGORITHM,
  authorization_signed_response_alg: ALGORITHM,
  [oauth.clockTolerance]: TOLERANCE_S,
})

const no = (because: string): Extract<Obtained, { ok: false }> => ({ ok: false, because, final: false })

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Which addresses may be reached, and how, is for egress to say. The certificate is shown on all of them. */
export const through = (asking: Asking) => ({
  [oauth.allowInsecureRequests]: true as const,
  [oauth.customFetch]: async (
    url: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const sent = body === undefined || body === null ? {} : { body: String(body) }
    const result = await ask(asking, { url, method, headers, ...sent })
    if (result.kind === 'error') throw new Error(result.message)
    const type = result.headers['content-type']
    return new Response(result.status === 204 ? null : result.body.toString(), {
      status: result.status,
      headers: type === undefined ? {} : { 'content-type': type },
    })
  },
})

/** The key that signs what is asked. */
export const signingKey = async (
  { credentials }: Asking,
  signer: { private_key: string; key_id: string | null },
): Promise<oauth.PrivateKey> => {
  const algorithm = { name: 'RSA-PSS', hash: 'SHA-256' }
  const key = privateKeyOf(credentials, signer.private_key).toCryptoKey(algorithm, false, ['sign'])
  return { key, ...(signer.key_id !== null && { kid: signer.key_id }) }
}

/** Opens an ID token; one that is not encrypted as agreed is refused, since it has passed through a browser. */
export function decrypting({ encryption_key }: Fapi, { credentials }: Asking) {
  if (encryption_key === null) return {}
  credentialOf(credentials, encryption_key)
  return {
    [oauth.jweDecrypt]: async (token: string): Promise<string> => {
      const key = privateKeyOf(credentials, encryption_key)
      const { plaintext } = await compactDecrypt(token, key, {
        keyManagementAlgorithms: ['RSA-OAEP', 'RSA-OAEP-256'],
        contentEncryptionAlgorithms: ['A256GCM'],
      })
      return Buffer.from(plaintext).toString()
    },
  }
}

export function checkEncrypted({ encryption_key }: Fapi, token: string | null | undefined): void {
  if (encryption_key === null || !token || token.split('.').length === 5) return
  throw new Error('the ID token is not encrypted')
}

/** Whether the server is as sure of the person as was asked. */
export function checkAcr({ acr }: Fapi, claims: Readonly<Record<string, unknown>> | undefined): void {
  if (acr.length === 0 || (typeof claims?.['acr'] === 'string' && acr.includes(claims['acr']))) return
  throw new Error(`the server says ${quoted(String(claims?.['acr'] ?? 'nothing'))} of how it knew the person`)
}

/** RFC 8705: a token that says so of itself serves only with the certificate it was given for. */
export function boundElsewhere(token: string, identity: ClientIdentity | undefined): boolean {
  const bound = thumbprintIn(token)
  if (bound === null) return false
  if (identity === undefined) return true
  const { raw } = new X509Certificate(identity.certificate)
  return createHash('sha256').update(raw).digest('base64url') !== bound
}

function thumbprintIn(token: string): string | null {
  try {
    decodeProtectedHeader(token)
    const { cnf } = decodeJwt<{ cnf?: { 'x5t#S256'?: unknown } }>(token)
    const bound = cnf?.['x5t#S256']
    return typeof bound === 'string' ? bound : null
  } catch {
    return null // opaque: the server alone knows
  }
}

export const refusedInWords = (error: unknown): Obtained => {
  if (error instanceof oauth.AuthorizationResponseError)
    return notObtained(`the vendor said ${quoted(`${error.error}: ${error.error_description ?? ''}`)}`)
  return notObtained(quoted(messageOf(error)))
}
