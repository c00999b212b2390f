import { json, readJson, remember, type SandboxReply } from '../wire.ts'
import { type Books, type Lot, MOST, now } from './books.ts'
import { patchCharge, putCharge } from './charges.ts'
import { invalid, notFound } from './errors.ts'

/** `/lotecobv/{id}`: charges with a due date that are asked for together, each taken or refused by itself. */
type Asked = { txid?: unknown; [field: string]: unknown }

const refuse = (razao: string): SandboxReply =>
  invalid('LoteCobVOperacaoInvalida', [{ razao, propriedade: 'cobsv' }])

const askedIn = (bytes: Buffer): { descricao: string; cobsv: Asked[] } | null => {
  const body = readJson(bytes) as { descricao?: unknown; cobsv?: unknown } | null
  return Array.isArray(body?.cobsv) ? { descricao: String(body.descricao ?? ''), cobsv: body.cobsv } : null
}

/** A lot is made once; put again, it is changed, and must have the very charges it had. */
export function putLot(books: Books, id: string, bytes: Buffer): SandboxReply {
  const asked = askedIn(bytes)
  if (!asked) return refuse('O objeto cobsv não respeita o schema.')
  const known = books.lots.get(id)
  const txids = asked.cobsv.map(({ txid }) => String(txid))
  if (known && !sameCharges(known, txids))
    return refuse('O array cobsv contém cobranças que não são as da requisição originária.')
  const cobsv = asked.cobsv.map(({ txid, ...charge }) =>
    toOutcome(String(txid), putCharge(books, 'cobv', String(txid), Buffer.from(JSON.stringify(charge)))),
  )
  remember(books.lots, id, { id, descricao: asked.descricao, criacao: known?.criacao ?? now(), cobsv }, MOST)
  return accepted
}

const accepted: SandboxReply = { status: 202, headers: {}, body: '' }

const sameCharges = ({ cobsv }: Lot, txids: string[]): boolean =>
  cobsv.length === txids.length && cobsv.every(({ txid }) => txids.includes(txid))

function toOutcome(txid: string, { status, body }: SandboxReply): Lot['cobsv'][number] {
  return status < 300
    ? { txid, status: 'CRIADA', criacao: now() }
    : { txid, status: 'NEGADA', problema: JSON.parse(String(body)) }
}

export function patchLot(books: Books, id: string, bytes: Buffer): SandboxReply {
  const lot = books.lots.get(id)
  const asked = askedIn(bytes)
  if (!lot) return readLot(books, id)
  if (!asked) return refuse('O objeto cobsv não respeita o schema.')
  const known = lot.cobsv.map(({ txid }) => txid)
  if (asked.cobsv.some(({ txid }) => !known.includes(String(txid))))
    return refuse('O array cobsv contém cobranças que não são as da requisição originária.')
  for (const { txid, ...body } of asked.cobsv) {
    const reply = patchCharge(books, 'cobv', String(txid), Buffer.from(JSON.stringify(body)))
    lot.cobsv[known.indexOf(String(txid))] = toOutcome(String(txid), reply)
  }
  return accepted
}

export function readLot(books: Books, id: string): SandboxReply {
  const lot = books.lots.get(id)
  return lot ? json(200, lot) : notFound('LoteCobVNaoEncontrado', 'Lote não encontrado para o id informado')
}
