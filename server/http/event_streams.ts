import { Readable } from 'node:stream'
import type { Http } from '../modules/app.ts'
import type { Auth } from './auth.ts'

/**
 * A stream of events goes on long after its caller was let in. So it is asked again who they are as long as it lasts: a
 * key or session that was revoked, or lost the right to it, ends it within seconds.
 */
const ASK_EVERY_MS = 5_000

export function endWithAccess(http: Http, auth: Pick<Auth, 'admit'>): void {
  http.addHook('onSend', (request, reply, payload, done) => {
    done(null, payload)
    if (!(payload instanceof Readable) || reply.getHeader('content-type') !== 'text/event-stream') return
    const { raw } = reply
    const end = () => {
      clearInterval(asking)
      payload.unpipe(raw)
      raw.end()
    }
    const asking = setInterval(() => void auth.admit(request).catch(end), ASK_EVERY_MS).unref()
    raw.once('close', () => clearInterval(asking))
  })
}
