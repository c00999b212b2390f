import * as oauth from 'oauth4webapi'
import type { Asking } from './asking.ts'
import { assertion } from './assertion.ts'
import { toBasic } from './basic.ts'
import { credentialOf } from './credential.ts'
import type { Grant, OAuthClient } from './oauth.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const ASSERTION_LIFE_S = 300

/** Puts into a request for tokens who asks. */
export function showClient(auth: Grant, { credentials, now }: Asking, endpoint: string): oauth.ClientAuth {
  if (auth.kind === 'oauth2_jwt_bearer') return () => {} // the assertion says who
  const secret = () => credentialOf(credentials, auth.client_secret)
  switch (auth.client_auth) {
    case 'basic':
      // Not the library's: it also encodes `-` and `_`, which half of the vendors do not decode.
      return (_server, { client_id }, _body, headers) =>
        headers.set('authorization', toBasic(formEncode(client_id), formEncode(secret())))
    case 'body':
      return oauth.ClientSecretPost(secret())
    case 'none':
      return oauth.None()
    case 'private_key_jwt':
      return async (_server, { client_id }, body) => {
        body.set('client_id', client_id)
        body.set('client_assertion_type', ASSERTION_TYPE)
        body.set('client_assertion', await clientAssertion(auth, client_id))
      }
    case 'jwt_secret':
      return async (_server, { client_id }, body) => {
        body.set('client_id', client_id)
        body.set('client_secret', await clientAssertion(auth, client_id))
      }
  }
  function clientAssertion({ signer }: OAuthClient, client_id: string): Promise<string> {
    if (signer === null) throw new Error('a client that signs needs a key')
    const { issuer, audience } = signer
    const claims = {
      issuer: issuer ?? client_id,
      subject: client_id,
      audience: audience ?? endpoint,
      life_s: ASSERTION_LIFE_S,
    }
    return assertion(signer, credentials, claims, now)
  }
}

/** RFC 6749 §2.3.1 has both halves form-encoded before they are joined. */
const formEncode = (text: string) => new URLSearchParams({ a: text }).toString().slice(2)
