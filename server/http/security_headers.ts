import type { Http } from '../modules/app.ts'

const NOTHING = "default-src 'none'; frame-ancestors 'none'"
/** The reference page may load its own script and our document, and nothing from anywhere else. */
const REFERENCE =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

export function securityHeaders(http: Http): void {
  http.addHook('onSend', (request, reply, _payload, done) => {
    const page = request.routeOptions.url?.startsWith('/docs')
    reply.header('x-content-type-options', 'nosniff')
    reply.header('x-frame-options', 'DENY')
    reply.header('referrer-policy', 'no-referrer')
    reply.header('content-security-policy', page ? REFERENCE : NOTHING)
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    if (request.protocol === 'https') reply.header('strict-transport-security', 'max-age=31536000')
    done()
  })
}
