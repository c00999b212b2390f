import { isDevelopment } from '../../platform/config.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'

/** What leaves without TLS is read on the way, secrets and customers' data alike: outside development mode it stays. */

const PLAIN = /^(?:sqs:)?(http|amqp|kafka|nats|redis):/i

/** Why nothing is sent to an address, in words that follow its name; null where it may be. */
export function plainBecause({ config }: Pick<App, 'config'>, url: string): string | null {
  const scheme = PLAIN.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined || config.plain_deliveries || isDevelopment(config)) return null
  return `is without TLS; use ${scheme}s, or set TRILHO_PLAIN_DELIVERIES=true on the server to permit ${scheme}`
}

export function checkPlain(app: App, field: string, url: string): void {
  const because = plainBecause(app, url)
  if (because !== null) throw new Problem('invalid_request', { field, detail: `${field} ${because}` })
}
