import { rawMember } from '../kit/wire_json.ts'
import { callExport } from './call_export.ts'
import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Remote, remote } from './client.ts'
import {
  collect,
  count,
  EXIT,
  examples,
  failure,
  type Io,
  readArgument,
  readPairs,
  show,
  wholeNumber,
} from './output.ts'

type Options = Remote & {
  data?: string
  raw?: true
  form?: true
  query?: string[]
  header?: string[]
  timeout?: number
  retries?: number
  idempotencyKey?: string
  async?: true
}

type Report = {
  id: string
  state: 'succeeded' | 'refused' | 'failed' | 'unknown'
  status: number | null
  attempts: number
  duration_ms: number
  error: string | null
  body_encoding: 'json' | 'text' | 'base64' | null
  body: unknown
  result?: unknown
  refusal?: { reason?: string; message?: string | null }
  cache?: { result: string; age_s: number | null } | null
}

type Deferred = { id: string; state: string }

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

export const call: RegisterCommand = (program, io) => {
  const command = remote(program.command('call <connection> <what> [path]'))
    .summary('Ask a vendor through a connection')
    .description(
      'Ask a vendor through a connection: a method and a path, or an operation of the provider. The answer goes to standard output, how it went to standard error.',
    )
    .option('--data <json>', "body, or an operation's input: JSON, @file, or - for standard input")
    .option('--raw', 'send the data to the byte, whatever it is')
    .option('--form', 'encode the data as a form, not as the provider usually has it')
    .option('--query <name=value>', 'add to the path, encoded; repeatable', collect)
    .option('--header <name=value>', 'repeatable', collect)
    .option('--timeout <ms>', 'for each attempt, in milliseconds', wholeNumber)
    .option('--retries <n>', 'after the first attempt, where trying again is safe', wholeNumber)
    .option('--idempotency-key <key>', "passed on in the vendor's own header")
    .option('--async', 'say which call it is and end; it is made in a moment, and tried again for hours')
    .action(async (connection: string, what: string, path: string | undefined, options: Options) => {
      const body = await toBody(io, what, path, options)
      const text = await openClient(options).text('POST', `/v1/connections/${inPath(connection)}/calls`, body)
      if (options.async)
        return show(io, options, JSON.parse(text) as Deferred, ({ id, state }) => `${id} ${state}`)
      const report = JSON.parse(text) as Report
      if (options.json) io.out(text)
      else tell(io, report, text)
      if (report.state !== 'succeeded') throw failure(EXIT.failed, whyNot(report), { call_id: report.id })
    })
  examples(
    command,
    'call con_01jz8k3v9mf2tb7xq4c5n6p8rs GET /v1/balance',
    'call con_01jz8k3v9mf2tb7xq4c5n6p8rs POST /v1/customers --data \'{"name":"Ana"}\'',
    'call con_01jz8k3v9mf2tb7xq4c5n6p8rs payments.create --data @payment.json',
    'call con_01jz8k3v9mf2tb7xq4c5n6p8rs GET /v1/charges --query limit=3 | jq .data',
  )
  callExport(command, io)
}

/** The request as JSON text: what was given as JSON goes into it as it was written. */
async function toBody(io: Io, what: string, path: string | undefined, options: Options): Promise<string> {
  const { timeout, retries, idempotencyKey } = options
  const method = what.toUpperCase()
  const is_plain = METHODS.includes(method)
  if (is_plain && path === undefined)
    throw failure(EXIT.usage, `Name the path too: trilho call <connection> ${method} /path`)
  if (!is_plain && path !== undefined)
    throw failure(EXIT.usage, `${what} is no method (${METHODS.join(', ')}), and an operation takes no path.`)
  const query = await readPairs(io, '--query', options.query)
  const headers = await readPairs(io, '--header', options.header)
  const asked = {
    ...(is_plain ? { method, path } : { operation: what }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(options.form && { encoding: 'form' }),
    ...(timeout !== undefined && { timeout_ms: timeout }),
    ...(retries !== undefined && { retries }),
    ...(idempotencyKey !== undefined && { idempotency_key: idempotencyKey }),
    ...(options.async && { mode: 'async' }),
  }
  if (options.data === undefined) return JSON.stringify(asked)
  const data = toData(await readArgument(io, options.data), options)
  return `${JSON.stringify(asked).slice(0, -1)},"${is_plain ? 'body' : 'input'}":${data}}`
}

function toData(text: string, { raw }: Options): string {
  if (raw) return JSON.stringify(text)
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    throw failure(
      EXIT.usage,
      `--data is no JSON: ${(error as Error).message}. To send it as it is, add --raw.`,
    )
  }
}

function tell(io: Io, report: Report, text: string): void {
  const { id, state, status, attempts, duration_ms, cache } = report
  const kept = cache?.result === 'hit' || cache?.result === 'stale'
  const how = kept ? `from the cache, ${cache?.age_s ?? 0} s old` : count(attempts, 'attempt')
  io.err(`${id} ${state}, ${status ?? 'no answer'}, ${how}, ${duration_ms} ms`)
  if (report.result !== undefined) io.out(JSON.stringify(report.result, null, 2))
  else if (report.body_encoding === 'json') io.out(rawMember(text, 'body') ?? '')
  else if (report.body_encoding !== null) io.out(String(report.body))
}

function whyNot({ state, status, error, refusal }: Report): string {
  const said = [refusal?.reason, refusal?.message].filter((words) => words).join(', ')
  if (error !== null) return said === '' ? error : `${error}: ${said}`
  return state === 'unknown'
    ? 'The vendor may have acted, and nobody saw its answer.'
    : `The vendor said no (${status}).`
}
