import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { type Asking, completeUrl, type Obtained, quoted } from './asking.ts'
import { credentialOf } from './credential.ts'
import {
  checkAcr,
  checkEncrypted,
  decrypting,
  discover,
  type Fapi,
  messageOf,
  refusedInWords,
  signingKey,
  through,
} from './fapi.ts'
import { type AuthorizationCode, request } from './oauth.ts'
import { showClient } from './show_client.ts'

/** A visit of somebody to the vendor's page of consent: how they are sent there, and what they come back with. */

/** `kept` is secret, and needed when they come back. */
export type Leaving = { ok: true; url: string; state: string; kept: string }
export type Left = Leaving | Extract<Obtained, { ok: false }>

/** `scope` is asked for beside the connection's own, such as `consent:urn:…`. */
export type Visit = { redirect_uri: string; scope?: string }

export function leave(auth: AuthorizationCode, asking: Asking, visit: Visit): Promise<Left> {
  return auth.fapi ? leavePushed(auth, auth.fapi, asking, visit) : leavePlain(auth, asking, visit)
}

/** Whose answer it is: in the open, or inside one that is signed, whose signature is checked once it is known whose. */
export function stateOf(query: URLSearchParams): string {
  const [plain, signed] = [query.get('state'), query.get('response')]
  if (plain !== null || signed === null) return plain ?? ''
  try {
    const { state } = decodeJwt(signed)
    return typeof state === 'string' ? state : ''
  } catch {
    return ''
  }
}

type Back = { query: URLSearchParams; state: string; kept: string; redirect_uri: string }

/** What somebody came back with, exchanged for tokens. */
export function comeBack(auth: AuthorizationCode, asking: Asking, back: Back): Promise<Obtained> {
  return auth.fapi ? comeBackSigned(auth, auth.fapi, asking, back) : comeBackPlain(auth, asking, back)
}

async function leavePlain(auth: AuthorizationCode, asking: Asking, visit: Visit): Promise<Left> {
  const state = oauth.generateRandomState()
  const verifier = oauth.generateRandomCodeVerifier()
  const url = new URL(completeUrl(auth.authorize_url, asking.base_url))
  const scope = scopeOf(auth, visit)
  const query = {
    ...auth.authorize_parameters,
    response_type: 'code',
    client_id: credentialOf(asking.credentials, auth.client_id),
    redirect_uri: visit.redirect_uri,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(scope && { scope }),
    ...(auth.audience && { audience: auth.audience }),
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return { ok: true, url: url.href, state, kept: verifier }
}

const scopeOf = ({ scope }: AuthorizationCode, visit: Visit): string =>
  [scope, visit.scope].filter(Boolean).join(' ')

async function comeBackPlain(auth: AuthorizationCode, asking: Asking, back: Back): Promise<Obtained> {
  const query = new URLSearchParams(back.query)
  if (auth.issuer === null) query.delete('iss') // nothing to hold it against
  return request(auth, asking, (server, client, show, options) => {
    const valid = oauth.validateAuthResponse(server, client, query, back.state)
    return oauth.authorizationCodeGrantRequest(
      server,
      client,
      show,
      valid,
      back.redirect_uri,
      back.kept,
      options,
    )
  })
}

type Secrets = { verifier: string; nonce: string }

/** All that is asked is in one signed object, which the server has before the browser does anything (RFC 9126). */
async function leavePushed(auth: AuthorizationCode, fapi: Fapi, asking: Asking, visit: Visit): Promise<Left> {
  const client_id = credentialOf(asking.credentials, auth.client_id)
  const found = await discover(fapi, asking, client_id)
  if ('because' in found) return found
  const { server, client, endpoint } = found
  const state = oauth.generateRandomState()
  const secrets: Secrets = {
    verifier: oauth.generateRandomCodeVerifier(),
    nonce: oauth.generateRandomNonce(),
  }
  try {
    const parameters = await asked(auth, fapi, visit, state, secrets)
    const request = await oauth.issueRequestObject(
      server,
      client,
      parameters,
      await signingKey(asking, signerOf(auth)),
    )
    const show = showClient(auth, asking, endpoint)
    const pushed = await oauth.pushedAuthorizationRequest(server, client, show, { request }, through(asking))
    const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, pushed)
    const url = new URL(server.authorization_endpoint ?? '')
    for (const [name, value] of Object.entries({ client_id, request_uri })) url.searchParams.set(name, value)
    return { ok: true, url: url.href, state, kept: JSON.stringify(secrets) }
  } catch (error) {
    return { ok: false, because: `the visit was not let begin: ${inWords(error)}`, final: false }
  }
}

const inWords = (error: unknown): string =>
  quoted(
    error instanceof oauth.ResponseBodyError
      ? `${error.error}: ${error.error_description ?? ''}`
      : messageOf(error),
  )

function signerOf({ signer }: AuthorizationCode) {
  if (signer === null) throw new Error('a client of FAPI signs, and has no key')
  return signer
}

async function asked(
  auth: AuthorizationCode,
  fapi: Fapi,
  visit: Visit,
  state: string,
  { verifier, nonce }: Secrets,
): Promise<Record<string, string>> {
  const acr = { essential: true, values: fapi.acr }
  return {
    ...auth.authorize_parameters,
    response_type: fapi.response === 'code id_token' ? 'code id_token' : 'code',
    ...(fapi.response === 'jwt' && { response_mode: 'jwt' }),
    redirect_uri: visit.redirect_uri,
    scope: scopeOf(auth, visit),
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(fapi.acr.length > 0 && { claims: JSON.stringify({ id_token: { acr } }) }),
  }
}

async function comeBackSigned(
  auth: AuthorizationCode,
  fapi: Fapi,
  asking: Asking,
  back: Back,
): Promise<Obtained> {
  const { verifier, nonce } = JSON.parse(back.kept) as Secrets
  const options = { ...through(asking), ...decrypting(fapi, asking) }
  let refused: Obtained | null = null
  const found = await request(
    auth,
    asking,
    async (server, client, show, asking_options) => {
      const valid = await validated(fapi, { server, client, back, nonce, options }).catch(
        (error: unknown) => {
          refused = refusedInWords(error)
          throw error
        },
      )
      return oauth.authorizationCodeGrantRequest(
        server,
        client,
        show,
        valid,
        back.redirect_uri,
        verifier,
        asking_options,
      )
    },
    async (server, client, response) => {
      const expected = { expectedNonce: nonce, requireIdToken: true, ...decrypting(fapi, asking) }
      if (response.ok)
        checkEncrypted(fapi, ((await response.clone().json()) as { id_token?: string }).id_token)
      const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected)
      await oauth.validateApplicationLevelSignature(server, response, options)
      checkAcr(fapi, oauth.getValidatedIdTokenClaims(tokens))
      return tokens
    },
  ).catch((error: unknown) => {
    if (refused) return refused
    throw error
  })
  return refused ?? found
}

type Valid = {
  server: oauth.AuthorizationServer
  client: oauth.Client
  back: Back
  nonce: string
  options: ReturnType<typeof through>
}

/** The answer that came by the browser: its signature, times, nonce, and that it signs this code and this state. */
async function validated(
  fapi: Fapi,
  { server, client, back, nonce, options }: Valid,
): Promise<URLSearchParams> {
  const { query, state } = back
  if (query.get('error') !== null || fapi.response === 'code')
    return oauth.validateAuthResponse(unnamed(server, fapi), client, query, state)
  if (fapi.response === 'jwt') return oauth.validateJwtAuthResponse(server, client, query, state, options)
  checkEncrypted(fapi, query.get('id_token'))
  return oauth.validateDetachedSignatureResponse(
    server,
    client,
    query,
    nonce,
    state,
    oauth.skipAuthTimeCheck,
    options,
  )
}

/** A refusal in the fragment need not say whose it is. */
const unnamed = (server: oauth.AuthorizationServer, { response }: Fapi): oauth.AuthorizationServer =>
  response === 'code id_token' ? { ...server, authorization_response_iss_parameter_supported: false } : server
