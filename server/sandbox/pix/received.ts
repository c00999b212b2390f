import { json, readJson, remember, type SandboxReply } from '../wire.ts'
import {
  type Books,
  type Charge,
  cents,
  type Devolucao,
  endToEndId,
  givenBack,
  MOST,
  now,
  type Pix,
} from './books.ts'
import { invalid, notFound, type Violation } from './errors.ts'

/** Pix that came in, and what is given back of them. `tell` sends the webhook. */
export type Tell = (pix: Pix) => void

/** When it can be paid no longer, in milliseconds; holidays and weekends aside. */
function endOf({
  criacao,
  expiracao,
  dataDeVencimento,
  validadeAposVencimento = 30,
}: Charge['calendario']): number {
  if (dataDeVencimento === undefined) return Date.parse(criacao) + Number(expiracao) * 1000
  return Date.parse(`${dataDeVencimento}T03:00:00Z`) + (Number(validadeAposVencimento) + 1) * 86_400_000
}

export type Payment = { txid?: string; valor?: string; chave?: string; infoPagador?: string; late?: boolean }

/** Somebody pays: a charge by its txid, or a key with no charge behind it. The words say why not. */
export function receive(
  books: Books,
  { txid, valor, chave, infoPagador, late = false }: Payment,
): Pix | string {
  const charge = txid === undefined ? undefined : books.charges.get(txid)
  if (txid !== undefined && !charge) return 'there is no such charge'
  if (charge && charge.status !== 'ATIVA') return `the charge is ${charge.status}`
  if (charge && !late && endOf(charge.calendario) < Date.now()) return 'the charge can be paid no longer'
  const pix: Pix = {
    endToEndId: endToEndId('E'),
    ...(txid !== undefined && { txid }),
    valor: valor ?? charge?.valor.original ?? '1.00',
    chave: charge?.chave ?? chave ?? '7d9f0335-8dcc-4054-9bf9-0dbd61d36906',
    horario: now(),
    ...(infoPagador !== undefined && { infoPagador }),
  }
  remember(books.pix, pix.endToEndId, pix, MOST)
  if (charge) Object.assign(charge, { status: 'CONCLUIDA', pix: [pix] })
  return pix
}

export function readPix(books: Books, e2eid: string): SandboxReply {
  const found = books.pix.get(e2eid)
  return found ? json(200, found) : notFound('PixNaoEncontrado', 'Pix não encontrado para o e2eid informado')
}

export function readRefund(books: Books, e2eid: string, id: string): SandboxReply {
  const found = books.pix.get(e2eid)?.devolucoes?.find((one) => one.id === id)
  return found ? json(200, found) : notFound('PixDevolucaoNaoEncontrada', 'Devolução não encontrada')
}

export function putRefund(books: Books, e2eid: string, id: string, bytes: Buffer, tell: Tell): SandboxReply {
  const pix = books.pix.get(e2eid)
  if (!pix) return readPix(books, e2eid)
  const body = (readJson(bytes) ?? {}) as { valor?: unknown; descricao?: string }
  const wrong = faultIn(pix, id, cents(body.valor))
  if (wrong) return invalid('PixDevolucaoInvalida', [wrong])
  const made: Devolucao = {
    id,
    rtrId: endToEndId('D'),
    valor: String(body.valor),
    natureza: 'ORIGINAL',
    horario: { solicitacao: now() },
    status: 'EM_PROCESSAMENTO',
    ...(body.descricao !== undefined && { descricao: body.descricao }),
  }
  pix.devolucoes = [...(pix.devolucoes ?? []), made]
  const { refund_delay_ms, refunds } = books.manner
  if (refund_delay_ms !== null) {
    const settle = () => endRefund(pix, made, refunds, tell)
    setTimeout(settle, refund_delay_ms).unref()
  }
  return json(201, made)
}

function faultIn(pix: Pix, id: string, amount: bigint | null): Violation | null {
  const of = (propriedade: string, razao: string): Violation => ({ propriedade, razao })
  if (!/^[a-zA-Z0-9]{1,35}$/.test(id)) return of('id', 'O campo id não respeita o schema.')
  if (!amount) return of('devolucao.valor', 'O campo devolucao.valor não respeita o schema.')
  if (pix.devolucoes?.some((one) => one.id === id))
    return of(
      'id',
      'A presente requisição de devolução apresenta um id já utilizado por outra requisição de devolução.',
    )
  if (givenBack(pix) + amount > (cents(pix.valor) ?? 0n))
    return of(
      'devolucao.valor',
      'A presente requisição, em conjunto com as demais, excederia o valor do pix originário.',
    )
  return null
}

/** The last word on it, told once. */
export function endRefund(pix: Pix, one: Devolucao, status: Devolucao['status'], tell: Tell): void {
  if (one.status !== 'EM_PROCESSAMENTO') return
  one.status = status
  if (status === 'DEVOLVIDO') one.horario.liquidacao = now()
  else one.motivo = 'Conta do pagador encerrada'
  tell(pix)
}

/** Given back by the PSP itself, under the special mechanism (MED). */
export function giveBackByMed(pix: Pix, valor: string, natureza: string, tell: Tell): Devolucao {
  const horario = { solicitacao: now(), liquidacao: now() }
  const id = `MED${pix.devolucoes?.length ?? 0}`
  const made: Devolucao = { id, rtrId: endToEndId('D'), valor, natureza, horario, status: 'DEVOLVIDO' }
  pix.devolucoes = [...(pix.devolucoes ?? []), made]
  tell(pix)
  return made
}
