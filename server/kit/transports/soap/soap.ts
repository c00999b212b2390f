import type { Egress, EgressRequest, EgressResult } from '../../../platform/egress/egress.ts'
import type { FieldError } from '../../../platform/errors.ts'
import { textIn } from '../../charsets.ts'
import type { Settings } from '../../fields.ts'
import { StepFault } from '../../mapping/mapping.ts'
import { parseReply } from '../../replies.ts'
import { jsonAnswer } from '../answer.ts'
import type { Opened } from '../http.ts'
import type { Transport } from '../transport.ts'
import { readEnvelope, type UserToken, type Version, writeEnvelope } from './envelope.ts'
import { readWsdl, type SoapOperation } from './wsdl.ts'

/**
 * SOAP 1.1 and 1.2 over HTTP. `POST …/operations/{name}` with the input as JSON, its members in the order that the
 * service wants; the answer is what its body holds, as JSON. A fault that blames the request is a 400, any other a 500,
 * both with `{ fault: { code, message, detail } }`.
 */
export const soap: Transport = { send }

/** What is wrong with the settings. */
export function soapFaults({ wsdl }: Settings): FieldError[] {
  try {
    readWsdl(String(wsdl))
    return []
  } catch (error) {
    return [{ field: 'settings.wsdl', reason: error instanceof Error ? error.message : 'is no WSDL' }]
  }
}

const read = new Map<string, Record<string, SoapOperation>>()
const MOST_READ = 100

function operationsOf(wsdl: string): Record<string, SoapOperation> {
  const known = read.get(wsdl)
  if (known) return known
  const operations = readWsdl(wsdl)
  if (read.size >= MOST_READ) read.delete(read.keys().next().value ?? '')
  read.set(wsdl, operations)
  return operations
}

async function send(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  const url = new URL(request.url)
  const [, place = '', name = ''] = /^(.*)\/operations\/([^/]+)$/.exec(url.pathname) ?? []
  const operations = operationsOf(String(opened.settings['wsdl']))
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (!operation) {
    if (url.pathname.endsWith('/wsdl'))
      return egress.send({ ...request, url: request.url.replace(/\/wsdl$/, '?wsdl') })
    const known = Object.keys(operations).join(', ')
    return jsonAnswer(performance.now(), 404, {
      error: `this service has no operation ${name}; it has ${known}`,
    })
  }
  const version = opened.settings['version'] === '1.2' ? '1.2' : '1.1'
  const body = written(version, operation, request, opened)
  if (typeof body !== 'string') return jsonAnswer(performance.now(), 400, body)
  const headers = { ...request.headers, ...headersOf(version, operation.action) }
  const result = await egress.send({ ...request, url: url.origin + place + url.search, headers, body })
  return result.kind === 'response' ? translated(result) : result
}

/** The envelope, or what of the input none can hold: then nothing is sent. */
function written(version: Version, operation: SoapOperation, { body = '{}' }: EgressRequest, opened: Opened) {
  const input = parseReply(Buffer.from(body))
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return { error: 'the input must be a JSON object' }
  try {
    return writeEnvelope(version, operation, input, tokenOf(opened))
  } catch (error) {
    if (error instanceof StepFault) return { error: error.message }
    throw error
  }
}

function headersOf(version: Version, action: string): Record<string, string> {
  if (version === '1.1') {
    return { accept: 'text/xml', 'content-type': 'text/xml; charset=utf-8', soapaction: `"${action}"` }
  }
  return {
    accept: 'application/soap+xml',
    'content-type': `application/soap+xml; charset=utf-8; action="${action}"`,
  }
}

function tokenOf({ settings, credentials }: Opened): UserToken | null {
  const kind = settings['user_token']
  if (kind !== 'text' && kind !== 'digest') return null
  const { token_username: username = '', token_password: password = '' } = credentials
  return { username, password, kind, now: new Date() }
}

type Response = Extract<EgressResult, { kind: 'response' }>

/** What is no envelope (a gateway's page, say) goes on as it came, by its own status. */
function translated(response: Response): EgressResult {
  try {
    const { body, headers } = response
    const reply = readEnvelope(textIn(body, headers['content-type']) ?? body.toString())
    if (reply.kind === 'answer') return asJson(response, response.status, reply.value)
    return asJson(response, reply.ours ? 400 : 500, { fault: reply.fault })
  } catch {
    return response.status < 300
      ? asJson(response, 502, { error: 'the answer is no SOAP envelope' })
      : response
  }
}

const asJson = (response: Response, status: number, value: unknown): Response => ({
  ...response,
  status,
  headers: { ...response.headers, 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
})
