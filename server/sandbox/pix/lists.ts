import { json, numberIn, type SandboxReply } from '../wire.ts'
import { invalid } from './errors.ts'

/** Lists of the API: a stretch of time, filters, pages that count from 0. */
export function list<T>(
  name: string,
  all: Iterable<T>,
  query: URLSearchParams,
  of: { at(one: T): string; fits(one: T): boolean; word: string },
): SandboxReply {
  const [inicio, fim] = [query.get('inicio') ?? '', query.get('fim') ?? '']
  const [from, to] = [Date.parse(inicio), Date.parse(fim)]
  if (Number.isNaN(from) || Number.isNaN(to) || to < from)
    return invalid(of.word, [
      { razao: 'O timestamp fim é anterior ao inicio, ou falta um deles.', propriedade: 'inicio' },
    ])
  const [page, size] = [
    query.get('paginacao.paginaAtual') ?? '0',
    numberIn(query, 'paginacao.itensPorPagina', 100, 1000),
  ]
  if (!/^\d{1,9}$/.test(page) || size < 1)
    return invalid(of.word, [
      { razao: 'O parâmetro paginacao.paginaAtual é negativo.', propriedade: 'paginacao' },
    ])
  const found = [...all].filter((one) => {
    const at = Date.parse(of.at(one))
    return at >= from && at <= to && of.fits(one)
  })
  const paginacao = {
    paginaAtual: Number(page),
    itensPorPagina: size,
    quantidadeDePaginas: Math.max(1, Math.ceil(found.length / size)),
    quantidadeTotalDeItens: found.length,
  }
  const first = Number(page) * size
  return json(200, { parametros: { inicio, fim, paginacao }, [name]: found.slice(first, first + size) })
}

/** `true` and `false` filter by whether there is one; anything else does not filter. */
export const present = (query: URLSearchParams, name: string, is_there: boolean): boolean =>
  query.get(name) === null || query.get(name) === String(is_there)

export const isStatus = (query: URLSearchParams, status: unknown): boolean =>
  query.get('status') === null || query.get('status') === status
