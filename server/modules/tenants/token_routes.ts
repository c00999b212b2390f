import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../../platform/errors.ts'
import type { App, Http } from '../app.ts'
import { AccessTokenSchema, TokenForm, TokenRefusalSchema } from './schema.ts'
import { issueAccessToken, type TokenRefusal, type TokenRequest } from './tokens.ts'

const FORM = 'application/x-www-form-urlencoded'

/**
 * `/oauth/token`, with and without a slash at its end. It speaks RFC 6749: a form goes in, its own error body
 * comes out, also where the request cannot be read.
 */
export function tokenRoutes(http: Http, app: App): void {
  http.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      FORM,
      { parseAs: 'string', bodyLimit: 16_384 },
      async (_request: FastifyRequest, text: string) => new URLSearchParams(text),
    )
    scope.setErrorHandler((error, request, reply) => {
      request.problem = error instanceof Problem ? error : null
      const status = (error as { statusCode?: number }).statusCode ?? 500
      if (status >= 500) throw error
      const error_description = `Send a form (${FORM}) of at most 16 kB with grant_type=client_credentials.`
      return refuse(reply, { error: 'invalid_request', error_description }, status)
    })
    scope.setValidatorCompiler(() => () => true) // the form is read below, whose refusals are RFC 6749's
    scope.post('/oauth/token', { config: { access: 'public' }, schema: describe('issueToken') }, answer)
    scope.post('/oauth/token/', { config: { access: 'public' }, schema: { hide: true } }, answer)
  })

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = readRequest(request)
    const answer = 'error' in asked ? asked : await issueAccessToken(app, asked)
    if ('error' in answer) return refuse(reply, answer, answer.error === 'invalid_client' ? 401 : 400)
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send(answer)
  }
}

const describe = (operationId: string) => ({
  operationId,
  tags: ['OAuth'],
  summary: 'Get an access token',
  description:
    'OAuth 2.0 client credentials. The client names itself by HTTP Basic or by client_id and client_secret in the form; ' +
    'scope asks for a part of what it holds. The token is a Bearer for an hour.',
  consumes: [FORM],
  body: TokenForm,
  response: { 200: AccessTokenSchema, 400: TokenRefusalSchema, 401: TokenRefusalSchema },
})

function refuse(reply: FastifyReply, refusal: TokenRefusal, status: number): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Basic realm="trilho"')
  return reply.code(status).headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send(refusal)
}

function readRequest({ body, headers }: FastifyRequest): TokenRequest | TokenRefusal {
  const form = body instanceof URLSearchParams ? body : new URLSearchParams()
  const twice = [...form.keys()].find((name) => form.getAll(name).length > 1)
  if (twice !== undefined) return invalid('A parameter stands twice in the form. Send each once.')
  if ([...form.values()].some((value) => value.includes('\u0000')))
    return invalid('The form holds a NUL character.')
  const grant_type = form.get('grant_type') ?? undefined
  if (grant_type === undefined) return invalid('grant_type is required; it must be client_credentials.')
  const client = headers.authorization === undefined ? fromForm(form) : fromBasic(headers.authorization)
  if ('error' in client) return client
  return { ...client, grant_type, scope: form.get('scope') ?? undefined }
}

type Credentials = { client_id: string; client_secret: string }

function fromForm(form: URLSearchParams): Credentials | TokenRefusal {
  const [client_id, client_secret] = [form.get('client_id'), form.get('client_secret')]
  if (client_id !== null && client_secret !== null) return { client_id, client_secret }
  const error_description = 'Send client_id and client_secret, in the form or by HTTP Basic.'
  return { error: 'invalid_client', error_description }
}

/** Both halves are form-encoded before they are joined (RFC 6749, 2.3.1). */
function fromBasic(header: string): Credentials | TokenRefusal {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(header)?.[1]
  const [id, secret] = splitOnce(Buffer.from(encoded ?? '', 'base64').toString())
  const [client_id, client_secret] = [decodePart(id), decodePart(secret)]
  if (client_id && client_secret && !client_id.includes('\u0000')) return { client_id, client_secret }
  return {
    error: 'invalid_client',
    error_description: 'The Authorization header is no HTTP Basic of client_id:client_secret.',
  }
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(':')
  return at < 0 ? ['', ''] : [text.slice(0, at), text.slice(at + 1)]
}

function decodePart(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}

const invalid = (error_description: string): TokenRefusal => ({ error: 'invalid_request', error_description })
