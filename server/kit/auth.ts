/**
 * How a provider is authenticated with: a description, no behaviour that needs a socket. Each names the credential
 * fields it takes its secrets from.
 */
export type Auth =
  | { kind: 'none' }
  | { kind: 'bearer'; token: string }
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'api_key'; in: 'header' | 'query'; name: string; key: string; prefix: string }
  | {
      kind: 'oauth2_client_credentials'
      client_id: string
      client_secret: string
      /** Where tokens are asked for: absolute, or below the base URL. */
      token_url: string
      scope: string | null
      audience: string | null
      /** How the client shows itself: RFC 6749 §2.3.1. */
      client_auth: 'basic' | 'body'
    }

export const none: Auth = { kind: 'none' }

/** The names below are those of credential fields, not the secrets themselves. */
export const bearer = (token: string): Auth => ({ kind: 'bearer', token })

export const basic = (username: string, password: string): Auth => ({ kind: 'basic', username, password })

export const apiKey = (place: 'header' | 'query', name: string, key: string, prefix = ''): Auth => ({
  kind: 'api_key',
  in: place,
  name,
  key,
  prefix,
})

/** The credential fields an authentication needs. */
export function credentialsOf(auth: Auth): string[] {
  switch (auth.kind) {
    case 'none':
      return []
    case 'bearer':
      return [auth.token]
    case 'basic':
      return [auth.username, auth.password]
    case 'api_key':
      return [auth.key]
    case 'oauth2_client_credentials':
      return [auth.client_id, auth.client_secret]
  }
}
