/**
 * Every error a caller can meet, in one table. `code` is stable and meant for programs, `title` for people;
 * the `detail` of one occurrence says which field, why, and what to do. The cause goes to the log only.
 */
export const ERRORS = {
  invalid_request: { status: 400, title: 'The request does not fit the schema' },
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_id: { status: 400, title: 'An id of the wrong kind or form' },
  invalid_cursor: { status: 400, title: 'The page cursor is not one we gave' },
  totp_required: { status: 401, title: 'The code of the second factor is needed too' },
  unauthenticated: { status: 401, title: 'No valid credential was presented' },
  signature_refused: { status: 401, title: 'The signature does not verify' },
  https_required: { status: 403, title: 'It has to come over HTTPS' },
  forbidden: { status: 403, title: 'The credential may not do this' },
  not_found: { status: 404, title: 'There is no such thing here' },
  method_not_allowed: { status: 405, title: 'The address does not take this method' },
  request_in_progress: { status: 409, title: 'The first request with this idempotency key is still running' },
  conflict: { status: 409, title: 'The request conflicts with what is there' },
  outcome_unknown: {
    status: 409,
    title: 'The first request with this key was cut off; its outcome is unknown',
  },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not taken here' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used with another request' },
  invalid_settings: { status: 422, title: 'The settings do not fit the provider' },
  schema_mismatch: { status: 422, title: 'The body does not fit the schema of the source' },
  egress_refused: { status: 422, title: 'The address may not be reached' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  vendor_failed: { status: 502, title: 'The vendor could not be reached or failed' },
  breaker_open: { status: 503, title: 'The breaker of the connection is open, so the vendor is not asked' },
  overloaded: { status: 503, title: 'The server cannot take this now' },
  not_cached: {
    status: 504,
    title: 'Nothing that may be given out is kept, and the vendor was not to be asked',
  },
  vendor_outcome_unknown: { status: 504, title: 'The vendor may have acted, but its answer was not seen' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

export type FieldError = { field: string; reason: string }

type Occurrence = {
  /** For the caller: which field, why, and the remedy. */
  detail: string
  field?: string
  errors?: FieldError[]
  retry_after_s?: number
  headers?: Record<string, string>
  /** For the log only. */
  cause?: unknown
}

/** A no that the caller can do something about. Anything else that is thrown is our bug and answers 500. */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly occurrence: Occurrence

  constructor(code: ErrorCode, occurrence: Occurrence) {
    super(occurrence.detail, { cause: occurrence.cause })
    this.name = 'Problem'
    this.code = code
    this.occurrence = occurrence
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/** Whether the same request may do later: nothing is wrong with it, and nobody can have acted on it. */
export const willPass = ({ status }: Problem): boolean => status === 429 || (status >= 500 && status !== 504)

/** The body of RFC 9457, `application/problem+json`. */
export function problemBody(problem: Problem, request_id: string): Record<string, unknown> {
  const { detail, field, errors, retry_after_s } = problem.occurrence
  const { status, title } = ERRORS[problem.code]
  return {
    type: `urn:trilho:error:${problem.code}`,
    code: problem.code,
    status,
    title,
    detail,
    ...(field !== undefined && { field }),
    ...(errors !== undefined && { errors }),
    ...(retry_after_s !== undefined && { retry_after_s }),
    request_id,
  }
}

/** `docs/errors.md`. */
export function errorsMarkdown(): string {
  const example = new Problem('invalid_id', {
    field: 'connection_id',
    detail: 'connection_id must be a connection id such as con_01jz8k3v9mf2tb7xq4c5n6p8rs',
  })
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`,
  )
  return `# Errors

Printed from \`server/platform/errors.ts\`; \`npm run generate\` writes it.

Every error is \`application/problem+json\` (RFC 9457). Programs read \`code\`, which never changes; people read
\`detail\`, which says which field, why, and what to do. \`field\` or \`errors\` name the fields at fault,
\`retry_after_s\` says when to try again, and \`request_id\` finds the request in the log.

\`\`\`json
${JSON.stringify(problemBody(example, 'req_01jz8k3v9mf2tb7xq4c5n6p8rs'), null, 2)}
\`\`\`

| code | status | title |
|---|---|---|
${rows.join('\n')}
`
}
