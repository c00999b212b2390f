import { type Refusal, reasonOfStatus } from '../../kit/news.ts'
import { read } from '../../kit/reads.ts'
import { ErrorBody, Verdict } from './wire.ts'

/** How the bank says no: by a status, or in a 200 by `codigoRetorno` at the top or in a block. */

/** "No entries in these days": of a block that says so there is nothing, and the others stand. */
export const NOTHING = 'CTAS0014'

type Head = { codigoRetorno?: string | number | null; mensagem?: string | null }

const listed = (blocks: Head | Head[] | null | undefined): Head[] =>
  Array.isArray(blocks) ? blocks : blocks ? [blocks] : []

function refusing(body: unknown): Head | undefined {
  const reply = read(Verdict, body)
  if (!reply.ok) return undefined
  const { extratoUltimosLancamentos, extratoPorPeriodo } = reply.value
  const heads = [reply.value, ...listed(extratoUltimosLancamentos), ...listed(extratoPorPeriodo)]
  return heads.find(
    ({ codigoRetorno, mensagem }) => Number(codigoRetorno ?? 0) !== 0 && !mensagem?.includes(NOTHING),
  )
}

export const refuses = (body: unknown): boolean => refusing(body) !== undefined

/** Its codes stand at the beginning of its words: `CTAS0673 - CONSULTA EFETUADA COM SUCESSO`. */
export function toRefusal(status: number, body: unknown): Refusal {
  const reply = read(ErrorBody, body)
  const told = reply.ok ? reply.value : ({} as ErrorBody)
  const head = refusing(body)
  const message = head?.mensagem ?? told.mensagem ?? told.message ?? told.error_description ?? null
  const [own] = /\b[A-Z]{4}[0-9]{4}\b/.exec(JSON.stringify(body ?? null)) ?? []
  const code = own ?? head?.codigoRetorno ?? told.codigo ?? told.code ?? told.error ?? null
  return {
    reason: reasonOfStatus(status),
    code: code === null ? null : String(code),
    message,
  }
}
