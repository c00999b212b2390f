import { json, readJson, remember, type SandboxReply } from '../wire.ts'
import { type Books, MOST, now, recurrenceId } from './books.ts'
import { invalid, notFound } from './errors.ts'

/** Pix Automático: recurrences and their charges, without a payer who agrees to them by himself. */
type Body = Record<string, unknown>

const step = (status: string) => ({ data: now(), status })

export function createRecurrence(books: Books, bytes: Buffer): SandboxReply {
  const body = (readJson(bytes) ?? {}) as Body
  if (!body['vinculo'] || !body['calendario'] || !body['politicaRetentativa'])
    return invalid('RecOperacaoInvalida', [
      { razao: 'O objeto rec.vinculo não respeita o schema.', propriedade: 'rec.vinculo' },
    ])
  const idRec = recurrenceId()
  const recebedor = { cnpj: '12345678000195', nome: 'Loja da Sandbox' }
  const made = { idRec, ...body, recebedor, status: 'CRIADA', atualizacao: [step('CRIADA')] }
  remember(books.recurrences, idRec, made, MOST)
  return json(201, made)
}

export function createRecurringCharge(books: Books, txid: string, bytes: Buffer): SandboxReply {
  const body = (readJson(bytes) ?? {}) as Body
  if (!books.recurrences.has(String(body['idRec'])) || books.recurring.has(txid))
    return invalid('CobROperacaoInvalida', [
      {
        razao: 'O campo cobr.idRec não corresponde a uma recorrência, ou o txid encontra-se em uso.',
        propriedade: 'cobr.idRec',
      },
    ])
  const calendario = { ...(body['calendario'] as Body), criacao: now().slice(0, 10) }
  const recebedor = { ...(body['recebedor'] as Body), cnpj: '12345678000195', nome: 'Loja da Sandbox' }
  const made = { txid, ...body, calendario, recebedor, status: 'CRIADA', atualizacao: [step('CRIADA')] }
  remember(books.recurring, txid, made, MOST)
  return json(201, made)
}

const WORDS = { recurrences: 'RecNaoEncontrada', recurring: 'CobRNaoEncontrado' }

export function readOne(books: Books, what: 'recurrences' | 'recurring', id: string): SandboxReply {
  const found = books[what].get(id)
  return found ? json(200, found) : notFound(WORDS[what], 'Não encontrada para o id informado')
}

export function cancelOne(
  books: Books,
  what: 'recurrences' | 'recurring',
  id: string,
  bytes: Buffer,
): SandboxReply {
  const found = books[what].get(id)
  if (!found) return readOne(books, what, id)
  const { status } = (readJson(bytes) ?? {}) as Body
  if (status !== 'CANCELADA' || found['status'] === 'CANCELADA')
    return invalid(what === 'recurring' ? 'CobROperacaoInvalida' : 'RecOperacaoInvalida', [
      { razao: 'A recorrência encontra-se expirada, cancelada ou rejeitada.', propriedade: 'status' },
    ])
  return json(
    200,
    Object.assign(found, { status, atualizacao: [...(found['atualizacao'] as unknown[]), step(status)] }),
  )
}
