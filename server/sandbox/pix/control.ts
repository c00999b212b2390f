import type { Dispatcher } from 'undici'
import { json, readJson, type SandboxReply, type SandboxRequest } from '../wire.ts'
import { type Books, cents, type Pix } from './books.ts'
import { endRefund, giveBackByMed, type Payment, receive } from './received.ts'
import { deliver } from './webhooks.ts'

/**
 * What the sandbox can be told: `POST /pix/_control/pay` `{txid}` pays a charge (`valor` otherwise than it says, `late`
 * past its time, `silent` without a webhook; without `txid` a Pix to a key); `refund` `{end_to_end_id, id, status}` ends
 * a refund that waits; `med` `{end_to_end_id, valor, natureza}` gives back as the PSP itself does; `tell`
 * `{end_to_end_ids}` sends the webhook of one or several again, together; `age` `{txid, seconds}` makes a charge older; `manner` changes how it behaves (`books.ts`).
 */
export async function control(
  books: Books,
  { path, body }: SandboxRequest,
  dispatcher: Dispatcher,
): Promise<SandboxReply> {
  const order = (readJson(body) ?? {}) as Record<string, unknown>
  const tell = (pix: Pix) => void deliver(books, [pix], dispatcher)
  const pix = books.pix.get(String(order['end_to_end_id']))
  switch (path.slice('/_control/'.length)) {
    case 'pay':
      return pay(books, order as Payment & { silent?: boolean }, tell)
    case 'manner':
      return json(200, Object.assign(books.manner, order))
    case 'tell': {
      const all = [order['end_to_end_ids']].flat().flatMap((id) => books.pix.get(String(id)) ?? [])
      return json(200, { accepted: await deliver(books, all, dispatcher) })
    }
    case 'refund': {
      const one = pix?.devolucoes?.find(({ id }) => id === order['id'])
      if (!pix || !one) return refused('there is no such refund')
      endRefund(pix, one, order['status'] === 'NAO_REALIZADO' ? 'NAO_REALIZADO' : 'DEVOLVIDO', tell)
      return json(200, one)
    }
    case 'age': {
      const { calendario } = books.charges.get(String(order['txid'])) ?? {}
      if (!calendario) return refused('there is no such charge')
      const made_ms = Date.parse(calendario.criacao) - Number(order['seconds']) * 1000
      calendario.criacao = new Date(made_ms).toISOString()
      return json(200, calendario)
    }
    case 'med':
      if (!pix || cents(order['valor']) === null) return refused('there is no such Pix, or valor is none')
      return json(
        200,
        giveBackByMed(pix, String(order['valor']), String(order['natureza'] ?? 'MED_FRAUDE'), tell),
      )
    default:
      return refused('pay, refund, med, tell, age and manner are known')
  }
}

function pay(books: Books, order: Payment & { silent?: boolean }, tell: (pix: Pix) => void): SandboxReply {
  const pix = receive(books, order)
  if (typeof pix === 'string') return json(409, { error: pix })
  if (!order.silent) tell(pix)
  return json(200, pix)
}

const refused = (error: string): SandboxReply => json(404, { error })
