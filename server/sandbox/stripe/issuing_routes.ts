import { json, readJson, type SandboxReply } from '../wire.ts'
import { isRefusal, missing, type Refusal, refusal } from './errors.ts'
import { type Form, readAmount, textOf } from './form.ts'
import { createCard, createHolder, moveShipping, updateCard } from './issuing.ts'
import {
  actOnAuthorization,
  createAuthorization,
  type Purchases,
  transact,
} from './issuing_authorizations.ts'

type Answer = Record<string, unknown> | Refusal

/** What stands below `/v1/issuing`; a map where a list is asked for. */
export function answerIssuing(
  state: Purchases,
  method: string,
  [resource = '', id]: readonly string[],
  form: Form,
): Answer | Map<string, unknown> {
  switch (`${method} ${resource}${id === undefined ? '' : '/:id'}`) {
    case 'POST cardholders':
      return createHolder(state, form)
    case 'GET cardholders/:id':
      return state.holders.get(id ?? '') ?? missing('issuing.cardholder', id ?? '', 'cardholder')
    case 'POST cards':
      return createCard(state, form)
    case 'GET cards':
      return cardsOf(state, textOf(form, 'cardholder'))
    case 'GET cards/:id':
      return state.cards.get(id ?? '') ?? missing('issuing.card', id ?? '', 'card')
    case 'POST cards/:id':
      return withCard(state, id, (card) => updateCard(state, card, form))
    case 'GET authorizations':
      return state.authorizations
    case 'GET authorizations/:id':
      return state.authorizations.get(id ?? '') ?? missing('issuing.authorization', id ?? '', 'authorization')
    case 'GET transactions':
      return state.transactions
    default:
      return refusal(404, { message: `Unrecognized request URL (${method}: /v1/issuing/${resource}).` })
  }
}

const cardsOf = (state: Purchases, cardholder: string | null) =>
  new Map([...state.cards].filter(([, card]) => cardholder === null || card.cardholder.id === cardholder))

function withCard(
  state: Purchases,
  id = '',
  act: (card: Parameters<typeof updateCard>[1]) => Answer,
): Answer {
  const card = state.cards.get(id)
  return card ? act(card) : missing('issuing.card', id, 'card')
}

/** `POST /stripe/_control/issuing` with `patience_ms`: for receivers that are being tested on a busy machine. */
export function setPatience(state: Purchases, body: Buffer): SandboxReply {
  const { patience_ms } = (readJson(body) ?? {}) as { patience_ms?: unknown }
  if (!Number.isInteger(patience_ms) || Number(patience_ms) < 1)
    return json(400, { error: 'patience_ms must be a whole number above 0' })
  state.patience_ms = Number(patience_ms)
  return json(200, { patience_ms })
}

/** What stands below `/v1/test_helpers/issuing`: what merchants and carriers do. */
export async function helpIssuing(
  state: Purchases,
  [resource = '', id, act = '', more]: readonly string[],
  form: Form,
): Promise<Answer> {
  if (resource === 'authorizations' && id === undefined) return createAuthorization(state, form)
  if (resource === 'authorizations') {
    const found = state.authorizations.get(id ?? '')
    return found
      ? actOnAuthorization(state, found, act, form)
      : missing('issuing.authorization', id ?? '', 'authorization')
  }
  if (resource === 'cards' && act === 'shipping')
    return withCard(state, id, (card) => moveShipping(state, card, more))
  if (resource === 'transactions' && id === 'create_force_capture') return forceCapture(state, form)
  if (resource === 'transactions' && act === 'refund') return refund(state, id, form)
  return refusal(404, { message: `Unrecognized request URL (${resource}).` })
}

function forceCapture(state: Purchases, form: Form): Answer {
  const amount = readAmount(form)
  if (isRefusal(amount)) return amount
  return withCard(state, textOf(form, 'card') ?? '', (card) =>
    transact(state, card, -amount, 'capture', null),
  )
}

function refund(state: Purchases, id = '', form: Form): Answer {
  const found = state.transactions.get(id)
  const card = found && state.cards.get(String(found['card']))
  if (!card) return missing('issuing.transaction', id, 'transaction')
  const amount =
    form['refund_amount'] === undefined ? -Number(found['amount']) : readAmount(form, 'refund_amount')
  if (isRefusal(amount)) return amount
  return transact(
    state,
    card,
    amount,
    'refund',
    state.authorizations.get(String(found['authorization'])) ?? null,
  )
}
