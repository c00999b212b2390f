import { randomBytes } from 'node:crypto'
import { json, readJson, remember, type SandboxReply } from '../wire.ts'
import { type Books, MOST, now, recurrenceId, requestId } from './books.ts'
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
  const { loc, ...rest } = body
  const location = loc === undefined ? undefined : books.recurrence_locations.get(Number(loc))
  if (loc !== undefined && (!location || location.idRec !== undefined))
    return invalid('RecOperacaoInvalida', [
      { razao: 'O location referenciado por rec.loc inexiste, ou está em uso.', propriedade: 'rec.loc' },
    ])
  if (location) location.idRec = idRec
  const recebedor = { cnpj: '12345678000195', nome: 'Loja da Sandbox' }
  const made = {
    idRec,
    ...rest,
    ...(location && { loc: location }),
    recebedor,
    status: 'CRIADA',
    atualizacao: [step('CRIADA')],
  }
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

/** The payer is asked; the answer never comes here. */
export function createRequest(books: Books, bytes: Buffer): SandboxReply {
  const body = (readJson(bytes) ?? {}) as { idRec?: unknown; calendario?: Body; destinatario?: Body }
  const { ispbParticipante, conta } = body.destinatario ?? {}
  const rec = books.recurrences.get(String(body.idRec))
  const wrong = [
    [!rec, 'solicrec.idRec', 'O campo solicrec.idRec não corresponde a uma recorrência.'],
    [!conta || !ispbParticipante, 'solicrec.destinatario', 'O objeto destinatario não respeita o schema.'],
    [
      !(Date.parse(String(body.calendario?.['dataExpiracaoSolicitacao'])) > Date.now()),
      'solicrec.calendario.dataExpiracaoSolicitacao',
      'A data de expiração é anterior à data atual.',
    ],
  ] as const
  const violations = wrong.flatMap(([is, propriedade, razao]) => (is ? [{ propriedade, razao }] : []))
  if (violations.length > 0) return invalid('SolicRecOperacaoInvalida', violations)
  const idSolicRec = requestId()
  const made = { idSolicRec, ...body, status: 'CRIADA', atualizacao: [step('CRIADA')], recPayload: rec }
  remember(books.requests, idSolicRec, made, MOST)
  return json(201, made)
}

export function newRecurrenceLocation(books: Books): SandboxReply {
  const id = books.recurrence_locations.size + 1
  const location = `pix.sandbox.example/qr/v2/rec/${randomBytes(16).toString('hex')}`
  const made = { id, location, criacao: now() }
  remember(books.recurrence_locations, id, made, MOST)
  return json(201, made)
}

type What = 'recurrences' | 'recurring' | 'requests'

const WORDS: Record<What, { missing: string; invalid: string }> = {
  recurrences: { missing: 'RecNaoEncontrada', invalid: 'RecOperacaoInvalida' },
  recurring: { missing: 'CobRNaoEncontrado', invalid: 'CobROperacaoInvalida' },
  requests: { missing: 'SolicRecNaoEncontrada', invalid: 'SolicRecOperacaoInvalida' },
}

export function readOne(books: Books, what: What, id: string): SandboxReply {
  const found = books[what].get(id)
  return found ? json(200, found) : notFound(WORDS[what].missing, 'Não encontrada para o id informado')
}

export function cancelOne(books: Books, what: What, id: string, bytes: Buffer): SandboxReply {
  const found = books[what].get(id)
  if (!found) return readOne(books, what, id)
  const { status } = (readJson(bytes) ?? {}) as Body
  if (status !== 'CANCELADA' || found['status'] === 'CANCELADA')
    return invalid(WORDS[what].invalid, [
      { razao: 'A recorrência encontra-se expirada, cancelada ou rejeitada.', propriedade: 'status' },
    ])
  return json(
    what === 'requests' ? 201 : 200,
    Object.assign(found, { status, atualizacao: [...(found['atualizacao'] as unknown[]), step(status)] }),
  )
}
