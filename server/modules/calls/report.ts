import { textIn } from '../../kit/charsets.ts'
import type { Mapped, StepReport } from '../../kit/mapping/mapping.ts'
import type { Provider } from '../../kit/provider.ts'
import { inWords, read } from '../../kit/reads.ts'
import { withoutSession } from '../../kit/transports/http.ts'
import { readJson } from '../../kit/wire_json.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { OpenConnection } from '../connections/connections.ts'
import type { CacheNote } from './cache_schema.ts'
import type { Performed } from './perform.ts'
import type { Response } from './pipeline.ts'
import type { Named, Prepared } from './prepare.ts'

/**
 * What the caller is told, as JSON text. The vendor's JSON is put in as it came, so that `12.50` stays `12.50` and no
 * long number loses its last digits on the way through.
 */
export function toReport(
  connection: OpenConnection,
  {
    id,
    state,
    response,
    attempts,
    duration_ms,
    error,
    external_reference,
    turned_away,
    cache = null,
  }: Performed & { cache?: CacheNote | null },
  named: Named | null,
  answer: Answer,
  steps: { in: StepReport[]; out: StepReport[] },
): string {
  const { encoding, json, text: _text, ...translated } = answer
  const head = {
    id: toWire('call', id),
    connection_id: toWire('connection', connection.id),
    operation: named?.name ?? null,
    state,
    status: response?.status ?? null,
    headers: response && withoutSession(connection.opened, response.headers),
    attempts,
    duration_ms,
    error,
    external_reference,
    turned_away: turned_away && { by: turned_away.by, retry_after_ms: turned_away.wait_ms },
    truncated: response?.truncated ?? false,
    cache,
    ...translated,
    ...(steps.in.length + steps.out.length > 0 && { steps }),
    body_encoding: encoding,
  }
  return `${JSON.stringify(head).slice(0, -1)},"body":${json}}`
}

/** Which operation, and what it took. */
type Asked = Pick<Prepared, 'named' | 'input'>

/** What a vendor answered, and what that is in our words. */
export type Answer = Body & Translated

export const readAnswer = (provider: Provider, response: Response | null, asked: Asked): Answer => {
  const body = bodyOf(response)
  return { ...body, ...(response && translate(provider, response, body, asked)) }
}

/** With what the mapping made of it. */
export const withMapped = (answer: Answer, mapped: Mapped): Answer =>
  mapped.ok
    ? { ...answer, result: mapped.output }
    : {
        ...answer,
        error: `the answer could not be mapped: step ${mapped.step} (${mapped.steps.at(-1)?.kind}): ${mapped.steps.at(-1)?.error}`,
      }

type Body = { encoding: 'json' | 'text' | 'base64' | null; json: string; text: string }

function bodyOf(response: Response | null): Body {
  if (!response || response.body.length === 0) return { encoding: null, json: 'null', text: '' }
  const text = textIn(response.body, response.headers['content-type'])
  if (text === null) return { encoding: 'base64', json: `"${response.body.toString('base64')}"`, text: '' }
  if (isJson(text)) return { encoding: 'json', json: text, text }
  return { encoding: 'text', json: JSON.stringify(text), text }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

type Translated = { result?: unknown; refusal?: unknown; error?: string }

/** An operation that succeeded has a result in our words; a vendor's no has its reason. */
function translate(
  provider: Provider,
  { status }: Response,
  body: Body,
  { named, input }: Asked,
): Translated {
  const operation = named?.operation
  const value = () => (body.encoding === 'json' ? readJson(body.text) : body.text)
  if (status >= 400 || (status < 300 && provider.refuses?.(value())))
    return provider.refusal ? { refusal: provider.refusal(status, value()) } : {}
  if (!operation || status >= 300) return {}
  const answer = read(operation.reads, value())
  // The vendor did it; only its answer is not what its documentation says.
  if (!answer.ok) return { error: `the vendor's answer is not as expected: ${inWords(answer.errors)}` }
  try {
    return { result: operation.translate(answer.value, input) }
  } catch (error) {
    const why = error instanceof Problem ? error.occurrence.detail : 'it could not be read'
    return { error: `the vendor's answer is not as expected: ${why}` }
  }
}
