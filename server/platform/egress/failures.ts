/**
 * What went wrong, in words a person can act on. Sources: Node's system and OpenSSL error codes, undici's codes.
 */
export type FailureCode =
  | 'timeout'
  | 'refused_address'
  | 'invalid_url'
  | 'invalid_request'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'reset'
  | 'aborted'
  | 'mismatch'
  | 'no_room'

export const NO_ROOM =
  'the answers under way hold as much of the memory of this server as they may; ask again in a moment, for less at a time, or stream it'

/** An error whose message may be shown to the customer. */
export type Failure = Error & { failure: FailureCode }

export const failure = (code: FailureCode, message: string, cause?: unknown): Failure =>
  Object.assign(new Error(message, { cause }), { failure: code })

export const isFailure = (error: Error): error is Failure => 'failure' in error

type Coded = { code?: string | undefined; message: string; address?: string; port?: number; reason?: string }

export function refusedAddress(host: string, address: string, kind: string): Failure {
  const where = host === address ? `${address} is` : `${host} is at ${address},`
  return failure('refused_address', `${where} ${kind}; list it in TRILHO_EGRESS_ALLOW to permit it`)
}

export function dnsFailure(host: string, error: Coded): Failure {
  const reasons: Record<string, string> = { ENOTFOUND: 'NXDOMAIN', EAI_AGAIN: 'the resolver did not answer' }
  const reason = reasons[error.code ?? ''] ?? error.code ?? error.message
  return failure('dns', `${host} did not resolve (${reason})`, error)
}

/** `authority` is host:port as asked for; where several addresses were tried the first one's trouble is told. */
export function connectFailure(authority: string, error: Error, timeout_ms: number): Failure {
  const first: Coded = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  const where = first.address === undefined ? authority : `${bracketed(first.address)}:${first.port}`
  return failure('connect', connectWords(first, where, timeout_ms), error)
}

function connectWords(error: Coded, where: string, timeout_ms: number): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `connection refused by ${where}`
    case 'ECONNRESET':
      return `connection reset by ${where}`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `no route to ${where}`
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `no connection to ${where} within ${timeout_ms} ms`
    default:
      return `no connection to ${where} (${error.code ?? error.message})`
  }
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** `valid_to` is the presented certificate's last moment, where it is known. */
export function tlsFailure(authority: string, error: Error, valid_to: Date | null): Failure {
  return failure('tls', `${tlsWords(error, valid_to)} (TLS with ${authority})`, error)
}

function tlsWords(error: Coded, valid_to: Date | null): string {
  switch (error.code) {
    case 'CERT_HAS_EXPIRED':
      return `certificate expired${valid_to === null ? '' : ` on ${valid_to.toISOString()}`}`
    case 'CERT_NOT_YET_VALID':
      return 'certificate is not valid yet'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'certificate is self-signed; trust its authority with NODE_EXTRA_CA_CERTS'
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'certificate is signed by an unknown authority; trust it with NODE_EXTRA_CA_CERTS'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `certificate is for another host: ${error.reason ?? error.message}`
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'the other side does not speak TLS; is the address an http:// one?'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'connection closed during the handshake'
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'the handshake did not end in time'
    default:
      return `handshake failed: ${error.reason ?? error.code ?? error.message}`
  }
}

/** How far a request had come when its connection failed. */
type Progress = { sent: boolean; answered: boolean }

export function exchangeFailure(error: Error, progress: Progress): Failure {
  if (isFailure(error)) return error
  const { code = '', message }: Coded = error
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return failure('invalid_request', `the request cannot be sent: ${message}`, error)
  }
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return failure('invalid_request', 'the content-length header differs from the length of the body', error)
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return failure('aborted', 'this server is shutting down', error)
  }
  if (error.name === 'HTTPParserError')
    return failure('reset', `the answer is not HTTP/1.1: ${message}`, error)
  return failure('reset', resetWords(code, progress), error)
}

function resetWords(code: string, { sent, answered }: Progress): string {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'the headers of the answer are too long'
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return 'the answer is shorter than its content-length'
  if (!sent) return 'a kept connection closed before the request was sent'
  return answered
    ? 'connection closed before the answer was complete'
    : 'connection closed before any byte of an answer'
}
