import { json, numberIn, readJson, remember, type SandboxReply, type SandboxRequest, sleep } from './wire.ts'

/**
 * A request bin: `/bin/{name}` takes anything by any method and keeps it. Options in the query or set once by
 * `PUT /bin/{name}/_settings`: `status` (answer), `delay_ms`, `fail_first` (the first n arrivals of each message
 * are refused with `fail_status`, default 500; a message is known by its `webhook-id`), `fail_every` (only every
 * n-th message is refused at first), `retry_after` (seconds, beside a refusal).
 * `GET /bin/{name}/_requests?after=&limit=`, `GET …/_summary`, `DELETE …/_requests`.
 */
type Kept = {
  n: number
  at: string
  method: string
  url: string
  headers: Record<string, unknown>
  body: Buffer
  status: number
}

type Bin = {
  total: number
  bytes: number
  kept: Kept[]
  by_status: Map<number, number>
  /** Arrivals per message, and the order in which messages were first seen. */
  arrivals: Map<string, { count: number; ordinal: number }>
  messages: number
  settings: URLSearchParams
}

const MOST_KEPT = 10_000
const MOST_BYTES = 64 * 1024 * 1024

export function createBins(): (request: SandboxRequest) => Promise<SandboxReply> {
  const bins = new Map<string, Bin>()
  return async (request) => {
    const [, name = '', control] = request.path.split('/')
    if (name === '') return json(404, { error: 'Name a bin: /bin/{name}' })
    let bin = bins.get(name)
    if (!bin) {
      bin = emptyBin(new URLSearchParams())
      remember(bins, name, bin, 1000)
    }
    if (control === '_requests' && request.method === 'DELETE') {
      bins.set(name, emptyBin(bin.settings))
      return json(200, { cleared: bin.total })
    }
    if (control?.startsWith('_')) return controlBin(bin, control, request)
    return receive(bin, request)
  }
}

const emptyBin = (settings: URLSearchParams): Bin => ({
  total: 0,
  bytes: 0,
  kept: [],
  by_status: new Map(),
  arrivals: new Map(),
  messages: 0,
  settings,
})

function controlBin(bin: Bin, control: string, request: SandboxRequest): SandboxReply {
  if (control === '_settings' && request.method === 'PUT') {
    const settings = readJson(request.body)
    if (typeof settings !== 'object' || settings === null) return json(400, { error: 'Send a JSON object' })
    bin.settings = new URLSearchParams(
      Object.entries(settings).map(([name, value]): [string, string] => [name, String(value)]),
    )
    return json(200, Object.fromEntries(bin.settings))
  }
  if (control === '_summary') return json(200, summary(bin))
  if (control !== '_requests') return json(404, { error: 'A bin has _requests, _summary and _settings' })
  const after = numberIn(request.query, 'after', 0, Number.MAX_SAFE_INTEGER)
  const limit = numberIn(request.query, 'limit', 100, MOST_KEPT)
  const data = bin.kept.filter((kept) => kept.n > after).slice(0, limit)
  return json(200, { total: bin.total, data: data.map(toEntry) })
}

function summary(bin: Bin): Record<string, unknown> {
  return {
    requests: bin.total,
    messages: bin.messages,
    accepted: [...bin.by_status].reduce((sum, [status, n]) => (status < 300 ? sum + n : sum), 0),
    by_status: Object.fromEntries(bin.by_status),
  }
}

/** Bodies that are UTF-8 are shown as text; others only in base64, since text would change them. */
function toEntry({ body, ...rest }: Kept): Record<string, unknown> {
  const text = body.toString()
  return Buffer.from(text).equals(body)
    ? { ...rest, body: text }
    : { ...rest, body_base64: body.toString('base64') }
}

async function receive(bin: Bin, request: SandboxRequest): Promise<SandboxReply> {
  const options =
    bin.settings.size === 0 ? request.query : new URLSearchParams(`${request.query}&${bin.settings}`)
  const refused = shouldRefuse(bin, request, options)
  const status = refused ? numberIn(options, 'fail_status', 500, 599) : numberIn(options, 'status', 200, 599)
  keep(bin, request, status)
  await sleep(numberIn(options, 'delay_ms', 0, 120_000))
  const retry_after = options.get('retry_after')
  return json(
    status,
    { ok: status < 300 },
    status >= 400 && retry_after ? { 'retry-after': retry_after } : {},
  )
}

function shouldRefuse(bin: Bin, request: SandboxRequest, options: URLSearchParams): boolean {
  const id = String(request.headers['webhook-id'] ?? '')
  const seen = bin.arrivals.get(id) ?? { count: 0, ordinal: bin.messages++ }
  seen.count += 1
  remember(bin.arrivals, id, seen, 100_000)
  const every = Math.max(1, numberIn(options, 'fail_every', 1, 1_000_000))
  return seen.ordinal % every === 0 && seen.count <= numberIn(options, 'fail_first', 0, 1_000_000)
}

function keep(bin: Bin, request: SandboxRequest, status: number): void {
  const query = request.query.size > 0 ? `?${request.query}` : ''
  bin.total += 1
  bin.bytes += request.body.length
  bin.by_status.set(status, (bin.by_status.get(status) ?? 0) + 1)
  const { method, headers, body } = request
  bin.kept.push({
    n: bin.total,
    at: new Date().toISOString(),
    method,
    url: `${request.path}${query}`,
    headers,
    body,
    status,
  })
  while (bin.kept.length > MOST_KEPT || bin.bytes > MOST_BYTES) {
    const oldest = bin.kept.shift()
    if (!oldest) return
    bin.bytes -= oldest.body.length
  }
}
