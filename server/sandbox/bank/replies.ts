import type { IncomingHttpHeaders } from 'node:http'

/** What the APIs of Open Finance Brasil answer with, whatever they are about. */
export type Asked = {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
  /** SHA-256 of the client's certificate, base64url; null without one that the bank's authority issued. */
  thumbprint: string | null
  /** Where the APIs are: `https://…/open-banking`. */
  base: string
}

export type Answer = { status: number; body: unknown; headers?: Record<string, string> }

/** RFC 3339 without milliseconds, as the specification has all times but those of transactions. */
export const moment = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`

export const ok = (body: unknown, status = 200): Answer => ({ status, body })

export const refuse = (status: number, code: string, title: string, detail = title): Answer => ({
  status,
  body: { errors: [{ code, title, detail }], meta: { requestDateTime: moment(new Date()) } },
})

export const NOT_FOUND = refuse(404, 'NAO_ENCONTRADO', 'Recurso não encontrado')
export const FORBIDDEN = refuse(403, 'NAO_AUTORIZADO', 'O consentimento não permite')

/** One thing: its links and totals are those of a list of one. */
export const one = (asked: Asked, data: unknown): Answer =>
  ok({ data, links: { self: selfOf(asked) }, meta: { ...TOTAL_ONE, requestDateTime: moment(new Date()) } })

const TOTAL_ONE = { totalRecords: 1, totalPages: 1 }

export const selfOf = ({ base, path, query }: Asked): string =>
  `${base}${path}${query.size > 0 ? `?${query}` : ''}`

/** `with_totals`: transactions have none, and no last page either. */
export function list(asked: Asked, items: readonly unknown[], most: number, with_totals: boolean): Answer {
  const page = wholeOf(asked.query.get('page'), 1)
  const size = Math.min(wholeOf(asked.query.get('page-size'), 25), most)
  if (page === null || size === null || size > 1000)
    return refuse(422, 'PARAMETRO_INVALIDO', 'page e page-size são números inteiros positivos')
  const data = items.slice((page - 1) * size, page * size)
  const has_next = page * size < items.length
  const at = (number: number) => {
    const query = new URLSearchParams(asked.query)
    query.set('page', String(number))
    query.set('page-size', String(size))
    if (number > 1) query.set('pagination-key', keyOf(asked, number))
    else query.delete('pagination-key')
    return `${asked.base}${asked.path}?${query}`
  }
  if (page > 1 && asked.query.get('pagination-key') !== keyOf(asked, page))
    return refuse(422, 'PARAMETRO_INVALIDO', 'pagination-key não confere')
  const totalPages = Math.max(1, Math.ceil(items.length / size))
  return ok({
    data,
    links: {
      self: selfOf(asked),
      first: at(1),
      ...(page > 1 && { prev: at(page - 1) }),
      ...(has_next && { next: at(page + 1) }),
      ...(with_totals && { last: at(totalPages) }),
    },
    meta: {
      ...(with_totals && { totalRecords: items.length, totalPages }),
      requestDateTime: moment(new Date()),
    },
  })
}

/** Says nothing, and has to be given back. */
const keyOf = ({ path }: Asked, page: number): string =>
  Buffer.from(`${path} ${page}`).toString('base64url').slice(0, 200)

function wholeOf(text: string | null, usual: number): number {
  if (text === null) return usual
  return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}
