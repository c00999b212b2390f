import { constants, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto'
import type { JWK } from 'oidc-provider'

/**
 * The directory as a bank sees it: it signs statements of software, and keeps the keys of their owners. What a bank has to
 * check of a registration is written from "Open Finance Brasil Financial-grade API Dynamic Client Registration 1.0".
 */
export type Directory = {
  /** What a client registers with (SSA). `issued_ago_s`: how old it is. */
  statement(about?: { issued_ago_s?: number; forged?: boolean }): string
  jwks_uri: string
  /** What is wrong with a registration; null where it is well. */
  fault(metadata: Record<string, unknown>): string | null
  /** What a bank fetches of it. */
  fetch(url: string): Response | null
}

const PADDING = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
const FRESH_S = 300

export function createDirectory({ redirect_uri, jwks }: { redirect_uri: string; jwks: JWK[] }): Directory {
  const [own, other] = [rsa(), rsa()]
  const software_id = randomUUID()
  const jwks_uri = `https://keystore.directory.example/${software_id}/application.jwks`

  function statement({ issued_ago_s = 0, forged = false } = {}): string {
    const head = part({ alg: 'PS256', kid: 'signer', typ: 'JWT' })
    const claims = part({
      iss: 'Open Banking Open Banking Brasil sandbox SSA issuer',
      iat: Math.floor(Date.now() / 1000) - issued_ago_s,
      ...{ software_id, software_client_name: 'Trilho', software_jwks_uri: jwks_uri },
      software_redirect_uris: [redirect_uri],
      software_roles: ['DADOS'],
    })
    const key = (forged ? other : own).privateKey
    const signature = sign('sha256', Buffer.from(`${head}.${claims}`), { key, ...PADDING })
    return `${head}.${claims}.${signature.toString('base64url')}`
  }

  function claimsOf(text: string): Record<string, unknown> | null {
    const [head = '', claims = '', signature = ''] = text.split('.')
    const signed = Buffer.from(`${head}.${claims}`)
    const key = { key: own.publicKey, ...PADDING }
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return null
    return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
  }

  function fault(metadata: Record<string, unknown>): string | null {
    const claims = claimsOf(String(metadata['software_statement'] ?? ''))
    if (!claims) return 'software_statement is not signed by the directory'
    if (Date.now() / 1000 - Number(claims['iat']) > FRESH_S)
      return 'software_statement is older than five minutes'
    if (metadata['jwks'] !== undefined) return 'jwks must not be given by value'
    if (metadata['jwks_uri'] !== claims['software_jwks_uri'])
      return 'jwks_uri is not that of the software_statement'
    const known = claims['software_redirect_uris'] as string[]
    const given = metadata['redirect_uris'] as string[]
    return given.every((one) => known.includes(one))
      ? null
      : 'redirect_uris has one that is not in the software_statement'
  }

  return {
    statement,
    jwks_uri,
    fault,
    fetch: (url) => (url === jwks_uri ? Response.json({ keys: jwks }) : null),
  }
}

const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
