import { perSettings } from '../../kit/provider.ts'
import type { HttpRequest } from '../../kit/transports/http.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type OpenConnection, openConnection } from '../connections/connections.ts'
import { diagnose } from './diagnosis.ts'
import { draft, type Performed, perform } from './perform.ts'

/** Calls whose answer nobody needs: they are made to see whether the vendor is there. */

/** The provider's cheapest read, once, and what it says about the connection in words. Disabled ones too. */
export async function testConnection(app: App, actor: Actor, wire_id: string) {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  checkEnvironment(actor, connection.environment)
  const { opened } = connection
  const request = perSettings(opened.provider.test, opened.settings)
  const performed = await perform(app, actor, connection, once('test', request))
  const { id, state, response, duration_ms } = performed
  return {
    ok: state === 'succeeded',
    message: testInWords(connection, performed, request.path),
    call_id: toWire('call', id),
    status: response?.status ?? null,
    duration_ms,
    diagnosis: await diagnose(app, opened, performed),
  }
}

/** One read of the vendor, as the schedule makes it. `path` null: the provider's own test. */
export function probe(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  { path, timeout_ms }: { path: string | null; timeout_ms: number },
): Promise<Performed> {
  const { provider, settings } = connection.opened
  const request = path === null ? perSettings(provider.test, settings) : { method: 'GET' as const, path }
  return perform(app, actor, connection, once('health', { ...request, timeout_ms }))
}

/** Throws the Problem of a path that no check could read. */
export const checkProbe = (connection: OpenConnection, path: string): void =>
  void draft(connection, { method: 'GET', path })

const once = (operation: string, request: HttpRequest) => ({ operation, request, retries: 0, patience_ms: 0 })

function testInWords(
  { opened }: OpenConnection,
  { state, response, error, turned_away, no_answer }: Performed,
  path: string,
): string {
  const { name } = opened.provider
  if (state === 'succeeded') return `${name} answers and takes the credentials of this connection`
  const said = error ?? 'no answer'
  if (turned_away?.by === 'authentication') return `${name} does not let this connection in: ${said}`
  if (turned_away) return `${name} was not asked: ${said}`
  if (!response) return `${name} ${NOT_THERE.has(no_answer) ? 'was not reached' : 'did not answer'}: ${said}`
  const remedy = TEST_REMEDIES[response.status]
  return remedy ? `${said}; ${remedy}` : `${said} to ${path}`
}

const NOT_THERE = new Set<Performed['no_answer']>(['dns', 'connect', 'refused_address', 'tls'])

const TEST_REMEDIES: Record<number, string> = {
  401: 'check the credentials, and that they belong to this environment',
  403: 'give the credentials the permission to read, or test another path',
  404: 'check the base URL and the path of the test',
}
