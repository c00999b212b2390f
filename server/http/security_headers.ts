import type { Http } from '../modules/app.ts'

const NOTHING = "default-src 'none'; frame-ancestors 'none'"
/** The reference page may load its own script and our document, and nothing from anywhere else. */
const REFERENCE =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

/** What every answer carries; a page of the reference may load a little more. */
export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': NOTHING,
  'cache-control': 'no-store',
}

export function securityHeaders(http: Http): void {
  http.addHook('onSend', (request, reply, _payload, done) => {
    const { 'cache-control': not_kept, 'content-security-policy': nothing, ...always } = SECURITY_HEADERS
    reply.headers(always)
    if (!reply.hasHeader('content-security-policy')) reply.header('content-security-policy', nothing)
    if (request.routeOptions.url?.startsWith('/docs')) reply.header('content-security-policy', REFERENCE)
    // The older header says only yes or no: it is left out where the policy names who may frame the page.
    if (mayBeFramed(reply.getHeader('content-security-policy'))) reply.removeHeader('x-frame-options')
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', not_kept)
    if (request.protocol === 'https') reply.header('strict-transport-security', 'max-age=31536000')
    done()
  })
}

const mayBeFramed = (policy: unknown): boolean => !String(policy).includes("frame-ancestors 'none'")
