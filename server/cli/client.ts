import type { Command } from 'commander'
import { type ClientSettings, loadClientSettings } from '../platform/config.ts'
import { StartError } from '../platform/start_error.ts'
import { EXIT, type Failure, failure, type Printed } from './output.ts'

/** What every command that talks to a running server takes. */
export type Remote = Printed & { url?: string; key?: string; tenant?: string }

export type Client = {
  url: string
  get<T>(path: string, query?: Query): Promise<T>
  /** `body` is sent as JSON; `raw` is JSON already and goes out to the byte. */
  send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>
  /** What is no JSON. */
  read(path: string): Promise<string>
  /** The lines of what is too long to hold, as they come. */
  lines(path: string, query: Query): AsyncGenerator<string>
  /** As `send`, with the answer as its text: JSON to the digit. */
  text(method: 'POST' | 'PUT', path: string, raw: string): Promise<string>
}

type Query = Record<string, string | undefined>

const TIMEOUT_MS = 310_000 // a call with all its attempts takes 300 s at most

/** Adds the flags that say which server, as whom and for whom. */
export const remote = (command: Command): Command =>
  command
    .option('--url <url>', 'server to talk to (TRILHO_URL, default http://127.0.0.1:3012)')
    .option('--key <key>', 'API key or access token (TRILHO_API_KEY)')
    .option('--tenant <id>', 'tenant to act on, with an admin key (TRILHO_TENANT)')

/** Adds the flags of a list. */
export const paged = (command: Command): Command =>
  remote(command)
    .option('--limit <n>', 'how many, 1 to 200 (default 50)')
    .option('--cursor <cursor>', 'go on where an earlier page ended')

export type Paged = Remote & { limit?: string; cursor?: string }

export const pageQuery = ({ limit, cursor }: Paged): Query => ({ limit, cursor })

/** Which server, as whom: flags before environment. Wrong ones are wrong usage. */
export function clientSettings({ url, key, tenant }: Remote): ClientSettings {
  const flags = {
    ...(url !== undefined && { TRILHO_URL: url }),
    ...(key !== undefined && { TRILHO_API_KEY: key }),
    ...(tenant !== undefined && { TRILHO_TENANT: tenant }),
  }
  try {
    return loadClientSettings(undefined, flags)
  } catch (error) {
    throw error instanceof StartError ? failure(EXIT.usage, error.message) : error
  }
}

export function openClient(options: Remote): Client {
  const { url: given, api_key, tenant } = clientSettings(options)
  if (api_key === undefined) throw failure(EXIT.usage, NO_KEY)
  if (!/^[\x21-\x7e]+$/.test(api_key.reveal())) throw failure(EXIT.usage, NO_HEADER) // fetch's own error would show it
  const url = given.replace(/\/+$/, '')
  const headers = {
    authorization: `Bearer ${api_key.reveal()}`,
    ...(tenant !== undefined && { 'trilho-tenant': tenant }),
  }
  const ask = (method: string, path: string, raw?: string): Promise<string> =>
    exchange(url, path, {
      method,
      headers: raw === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(raw !== undefined && { body: raw }),
    })
  return {
    url,
    get: async (path, query = {}) => JSON.parse(await ask('GET', path + toSearch(query))),
    send: async (method, path, body) => {
      const text = await ask(method, path, body === undefined ? undefined : JSON.stringify(body))
      return text === '' ? undefined : JSON.parse(text)
    },
    read: (path) => ask('GET', path),
    lines: (path, query) => readLines(url, path + toSearch(query), { headers }),
    text: ask,
  }
}

const NO_KEY =
  'No API key is known. Set TRILHO_API_KEY or --key; on the machine of the server, "trilho key create" makes one.'
const NO_HEADER =
  'The API key holds a space, a line break or another character no header may hold. Copy it again.'

function toSearch(query: Query): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

async function exchange(url: string, path: string, init: RequestInit): Promise<string> {
  const response = await reach(url, path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
  return response.text()
}

/** Takes as long as it takes: only its beginning is waited for. */
async function* readLines(url: string, path: string, init: RequestInit): AsyncGenerator<string> {
  const { body } = await reach(url, path, init)
  let rest = ''
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** Throws what the server refuses. */
async function reach(url: string, path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url + path, { ...init, redirect: 'manual' }).catch((error: Error) => {
    throw failure(
      EXIT.unreachable,
      `No server answers at ${url} (${reasonOf(error)}). Start one with "trilho start", or name another with --url or TRILHO_URL.`,
      { code: 'unreachable', url },
    )
  })
  if (!response.ok) throw refusal(response, await response.text())
  return response
}

function reasonOf(error: Error): string {
  const cause = error.cause as { code?: string; message?: string } | undefined
  return cause?.code ?? cause?.message ?? error.message
}

type Problem = { code?: string; detail?: string; field?: string; title?: string; request_id?: string }

function refusal(response: Response, text: string): Failure {
  const problem = parseProblem(text)
  const exit_code = response.status >= 500 ? EXIT.failed : EXIT.refused
  if (problem === null) {
    const what = `${response.url} answered ${response.status} and is no Trilho server, or stands behind something that is none.`
    return failure(exit_code, what, { code: 'unreadable_answer', status: response.status })
  }
  const { code, detail, field, title, request_id } = problem
  const where = request_id === undefined ? '' : `, request ${request_id}`
  const remedy = field === 'trilho-tenant' ? ' Here: --tenant or TRILHO_TENANT.' : ''
  return failure(exit_code, `${detail ?? title}${remedy} (${code}, ${response.status}${where})`, problem)
}

function parseProblem(text: string): Problem | null {
  try {
    const problem = JSON.parse(text) as Problem
    return typeof problem?.code === 'string' ? problem : null
  } catch {
    return null
  }
}

/** An id as part of a path; commands say which kinds they take, the server refuses the rest. */
export const inPath = (id: string): string => encodeURIComponent(id)
