import { firstStep, type Received } from '../../kit/messages.ts'
import type { FirstStep } from '../../kit/provider.ts'
import { rawMember, textMember } from '../../kit/wire_json.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { USER_AGENT } from '../../platform/version.ts'
import type { App } from '../app.ts'
import { makeCall } from '../calls/calls.ts'
import { type ActiveSource, actorFor } from './sources.ts'

/**
 * What comes before a message is believed: the entity it tells of is read at the vendor where nothing signs, and the
 * address of a confirmation is visited. `unready` says why it cannot be done now; it is then tried again by the
 * schedule of the source. Never throws.
 */
export type Believed =
  | { ok: true; read_back?: string }
  | { ok: false; error: string }
  | { ok: false; unready: string }

/** `message_id` is on the wire. */
export async function believe(
  app: App,
  source: ActiveSource,
  received: Received,
  message_id: string,
): Promise<Believed> {
  const step = firstStep(source.provider, received)
  if (step === null) return { ok: true }
  if ('doubt' in step) return { ok: false, error: step.doubt }
  return 'visit' in step ? visit(app, step.visit) : ask(app, source, step.ask, message_id)
}

const VISIT_MS = 10_000

async function visit(app: App, url: string): Promise<Believed> {
  const result = await app.egress.send({
    url,
    method: 'GET',
    headers: { accept: '*/*', 'user-agent': USER_AGENT },
    timeout_ms: VISIT_MS,
    max_response_bytes: 65_536,
  })
  if (result.kind === 'response' && result.status >= 200 && result.status < 300) return { ok: true }
  const said = result.kind === 'error' ? result.message : `it answered ${result.status}`
  return { ok: false, unready: `the address of the confirmation was not visited: ${said}` }
}

type Question = Extract<FirstStep, { ask: unknown }>['ask']

async function ask(
  app: App,
  source: ActiveSource,
  question: Question,
  message_id: string,
): Promise<Believed> {
  const { connection_id } = source
  if (connection_id === null) {
    return {
      ok: false,
      error: 'nothing signs it, and the source names no connection to read it back through',
    }
  }
  const input =
    'path' in question
      ? { method: 'GET' as const, path: question.path }
      : { operation: question.operation, input: question.input }
  try {
    return answerOf(
      await makeCall(app, actorFor(source, message_id), toWire('connection', connection_id), input),
    )
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error)
    if (error instanceof Problem && error.status === 400) return { ok: false, error: because }
    return { ok: false, unready: `it could not be read back: ${because}` }
  }
}

/** Only the vendor's word that there is no such thing ends it; a no to who asks is mended, and it is asked again. */
function answerOf(report: string): Believed {
  const state = textMember(report, 'state')
  if (state === 'succeeded') {
    return { ok: true, read_back: rawMember(report, 'result') ?? rawMember(report, 'body') ?? 'null' }
  }
  const status = Number(rawMember(report, 'status'))
  if (state === 'refused' && (status === 404 || status === 410)) {
    return { ok: false, error: `the vendor knows nothing of what it tells (${status}): it is not believed` }
  }
  return {
    ok: false,
    unready: `it could not be read back: ${textMember(report, 'error') ?? `state ${state}`}`,
  }
}
