import { Agent } from 'undici'
import { createOAuth } from '../oauth.ts'
import { json, readJson, type SandboxReply, type SandboxRequest } from '../wire.ts'
import {
  cancelOne,
  createRecurrence,
  createRecurringCharge,
  createRequest,
  newRecurrenceLocation,
  readOne,
} from './automatic.ts'
import { type Books, newBooks } from './books.ts'
import { patchCharge, putCharge, readCharge } from './charges.ts'
import { control } from './control.ts'
import { denied, notFound, problem } from './errors.ts'
import { isStatus, list, present } from './lists.ts'
import { patchLot, putLot, readLot } from './lots.ts'
import { newLocation } from './payload.ts'
import { putRefund, readPix, readRefund } from './received.ts'
import { deliver, putWebhook, readWebhook, removeWebhook } from './webhooks.ts'

/**
 * A PSP with the API Pix 2.9 of the Banco Central (github.com/bacen/pix-api) below `/pix/v2`, its tokens at
 * `/pix/oauth/token` for any client with the secret `sandbox-secret`: charges, Pix, refunds, webhooks, Pix Automático.
 * Below `/pix/_control` stands what the real one does not have: `pay` is the payer.
 */
export type PixPsp = {
  vendor(request: SandboxRequest): SandboxReply | Promise<SandboxReply>
  close(): Promise<void>
}

export function createPix(): PixPsp {
  const books = newBooks()
  const oauth = createOAuth()
  const dispatcher = new Agent({ connections: 16 })
  return {
    vendor(request) {
      if (request.path.startsWith('/oauth/')) return oauth.vendor({ ...request, path: request.path.slice(6) })
      if (request.path.startsWith('/_control/')) return control(books, request, dispatcher)
      const [, token = ''] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
      if (!oauth.isLive(token)) return problem(401, 'AcessoNegado', 'Não autorizado', 'O token não é válido.')
      return route(books, request, dispatcher)
    },
    close: () => dispatcher.destroy(),
  }
}

function route(books: Books, request: SandboxRequest, dispatcher: Agent): SandboxReply {
  const [, version, resource = '', ...more] = request.path.split('/')
  if (version !== 'v2') return notFound('NaoEncontrado', 'Entidade não encontrada')
  const ids = more.map(decodeURIComponent)
  const answer = RESOURCES[resource]?.(books, request, ids, dispatcher)
  return answer ?? (RESOURCES[resource] ? denied() : notFound('NaoEncontrado', 'Entidade não encontrada'))
}

type Resource = (
  books: Books,
  request: SandboxRequest,
  ids: string[],
  dispatcher: Agent,
) => SandboxReply | null

const charges =
  (kind: 'cob' | 'cobv'): Resource =>
  (books, { method, body, query }, [txid]) => {
    if (method === 'GET' && txid === undefined)
      return list('cobs', books.charges.values(), query, {
        at: ({ calendario }) => calendario.criacao,
        fits: (one) => one.loc.tipoCob === kind && isStatus(query, one.status),
        word: kind === 'cob' ? 'CobConsultaInvalida' : 'CobVConsultaInvalida',
      })
    if (txid === undefined) return null
    if (method === 'GET') return readCharge(books, kind, txid)
    if (method === 'PUT') return putCharge(books, kind, txid, body)
    return method === 'PATCH' ? patchCharge(books, kind, txid, body) : null
  }

const received: Resource = (books, { method, body, query }, [e2eid, refunds, id], dispatcher) => {
  const tell = (pix: Parameters<typeof deliver>[1][number]) => void deliver(books, [pix], dispatcher)
  if (method === 'GET' && e2eid === undefined)
    return list('pix', books.pix.values(), query, {
      at: ({ horario }) => horario,
      fits: (one) =>
        present(query, 'txIdPresente', one.txid !== undefined) &&
        present(query, 'devolucaoPresente', one.devolucoes !== undefined) &&
        (query.get('txid') === null || query.get('txid') === one.txid),
      word: 'PixConsultaInvalida',
    })
  if (e2eid === undefined) return null
  if (refunds === undefined) return method === 'GET' ? readPix(books, e2eid) : null
  if (refunds !== 'devolucao' || id === undefined) return null
  if (method === 'PUT') return putRefund(books, e2eid, id, body, tell)
  return method === 'GET' ? readRefund(books, e2eid, id) : null
}

const webhook: Resource = (books, { method, body }, [key]) => {
  if (key === undefined)
    return method === 'GET' ? json(200, { webhooks: [...books.webhooks.values()] }) : null
  if (method === 'PUT') return putWebhook(books, key, body)
  if (method === 'DELETE') return removeWebhook(books, key)
  return method === 'GET' ? readWebhook(books, key) : null
}

const ofAll =
  (key: 'rec' | 'cobr'): Resource =>
  (books, request, _ids, dispatcher) =>
    webhook(books, request, [key], dispatcher)

const location: Resource = (books, { method, body }, [id, what]) => {
  const { tipoCob } = (readJson(body) ?? {}) as { tipoCob?: unknown }
  if (method === 'POST' && id === undefined)
    return json(201, newLocation(books, tipoCob === 'cobv' ? 'cobv' : 'cob'))
  const found = books.locations.get(Number(id))
  if (!found) return notFound('PayloadLocationNaoEncontrado', 'Location não encontrada para o id informado')
  if (method === 'DELETE' && what === 'txid') delete found.txid
  return json(200, found)
}

const recurrences: Resource = (books, { method, body, query }, [id]) => {
  if (method === 'POST') return createRecurrence(books, body)
  if (id === undefined)
    return list('recs', books.recurrences.values(), query, {
      at: ({ atualizacao }) => (atualizacao as { data: string }[])[0]?.data ?? '',
      fits: ({ status }) => isStatus(query, status),
      word: 'RecConsultaInvalida',
    })
  return method === 'PATCH' ? cancelOne(books, 'recurrences', id, body) : readOne(books, 'recurrences', id)
}

const recurring: Resource = (books, { method, body, query }, [txid]) => {
  if (txid === undefined)
    return list('cobsr', books.recurring.values(), query, {
      at: ({ atualizacao }) => (atualizacao as { data: string }[])[0]?.data ?? '',
      fits: ({ status }) => isStatus(query, status),
      word: 'CobRConsultaInvalida',
    })
  if (method === 'PUT') return createRecurringCharge(books, txid, body)
  return method === 'PATCH' ? cancelOne(books, 'recurring', txid, body) : readOne(books, 'recurring', txid)
}

const requests: Resource = (books, { method, body }, [id]) => {
  if (id === undefined) return method === 'POST' ? createRequest(books, body) : null
  return method === 'PATCH' ? cancelOne(books, 'requests', id, body) : readOne(books, 'requests', id)
}

const recurrenceLocation: Resource = (books, { method, query }, [id, what]) => {
  if (id === undefined && method === 'POST') return newRecurrenceLocation(books)
  if (id === undefined)
    return list('loc', books.recurrence_locations.values(), query, {
      at: ({ criacao }) => criacao,
      fits: ({ idRec }) => present(query, 'idRecPresente', idRec !== undefined),
      word: 'PayloadLocationRecConsultaInvalida',
    })
  const found = books.recurrence_locations.get(Number(id))
  if (!found)
    return notFound('PayloadLocationRecNaoEncontrado', 'Location não encontrada para o id informado')
  if (method === 'DELETE' && what === 'idRec') delete found.idRec
  return json(200, found)
}

const lots: Resource = (books, { method, body, query }, [id]) => {
  if (id === undefined)
    return list('lotes', books.lots.values(), query, {
      at: ({ criacao }) => criacao,
      fits: () => true,
      word: 'LoteCobVConsultaInvalida',
    })
  if (method === 'PUT') return putLot(books, id, body)
  return method === 'PATCH' ? patchLot(books, id, body) : readLot(books, id)
}

const RESOURCES: Record<string, Resource | undefined> = {
  cob: charges('cob'),
  cobv: charges('cobv'),
  pix: received,
  webhook,
  webhookrec: ofAll('rec'),
  webhookcobr: ofAll('cobr'),
  loc: location,
  rec: recurrences,
  cobr: recurring,
  solicrec: requests,
  locrec: recurrenceLocation,
  lotecobv: lots,
}
