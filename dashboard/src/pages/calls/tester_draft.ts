import type { BodyOf } from '../../api/types.ts'
import type { Call } from './call.tsx'

export type Asked = BodyOf<'/v1/connections/{id}/calls'>
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
type Method = (typeof METHODS)[number]

/** What is typed into the tester. */
export type Draft = {
  connection_id: string | null
  how: 'operation' | 'request'
  operation: string | null
  /** JSON, as text: the form writes it too. */
  input: string
  method: Method
  path: string
  query: string
  headers: string
  body: string
  encoding: 'json' | 'form'
  skip_cache: boolean
  wait: boolean
  trace: boolean
  later: boolean
}

export const EMPTY: Draft = {
  connection_id: null,
  how: 'request',
  operation: null,
  input: '{}',
  method: 'GET',
  path: '/',
  query: '',
  headers: '',
  body: '',
  encoding: 'json',
  skip_cache: false,
  wait: false,
  trace: true,
  later: false,
}

/** A call as it could be asked again, as far as it was kept. */
export function draftOf(call: Call): Draft {
  const { path, query } = parted(call.path)
  return {
    ...EMPTY,
    connection_id: call.connection_id,
    method: METHODS.find((one) => one === call.method) ?? 'GET',
    path,
    query,
    body: call.log.at(-1)?.request_body ?? '',
  }
}

function parted(whole: string): { path: string; query: string } {
  const [path = '/', query = ''] = whole.split('?')
  const pairs = [...new URLSearchParams(query)].map(([name, value]) => `${name}=${value}`)
  return { path, query: pairs.join('\n') }
}

/** What is sent for a draft. Throws where JSON is asked for and is none. */
export function askedOf(draft: Draft): Asked {
  const common: Asked = {
    ...(draft.skip_cache && { skip_cache: true }),
    ...(draft.wait && { on_limit: 'wait' }),
    ...(draft.later ? { mode: 'async' } : draft.trace && { trace: true }),
  }
  if (draft.how === 'operation') {
    return { operation: draft.operation ?? '', input: JSON.parse(draft.input || '{}') as unknown, ...common }
  }
  return { ...requestOf(draft), ...common }
}

/** The request alone: what a stored operation would be. */
export function requestOf(draft: Draft) {
  const query = pairs(draft.query, '=')
  const headers = pairs(draft.headers, ':')
  const has_body = draft.body.trim() !== '' && draft.method !== 'GET' && draft.method !== 'HEAD'
  return {
    method: draft.method,
    path: draft.path,
    ...(Object.keys(query).length > 0 && { query }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(has_body && { body: parsed(draft.body), encoding: draft.encoding }),
  }
}

function pairs(text: string, sign: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.includes(sign))
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(sign)
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
