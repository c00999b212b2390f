import { type Dispatcher, request as send } from 'undici'
import { json, readJson, remember, type SandboxReply, sleep } from '../wire.ts'
import { type Books, MOST, now, type Pix } from './books.ts'
import { invalid, notFound } from './errors.ts'

/** Where a receiver wants to be told, by key; `rec` and `cobr` are one for all keys. */
export function putWebhook(books: Books, key: string, bytes: Buffer): SandboxReply {
  const { webhookUrl } = (readJson(bytes) ?? {}) as { webhookUrl?: unknown }
  if (typeof webhookUrl !== 'string' || !URL.canParse(webhookUrl))
    return invalid('WebhookOperacaoInvalida', [
      { razao: 'Campo webhook.webhookUrl não respeita o schema.', propriedade: 'webhook.webhookUrl' },
    ])
  remember(books.webhooks, key, { webhookUrl, chave: key, criacao: now() }, MOST)
  return { status: 200, body: '' }
}

export function readWebhook(books: Books, key: string): SandboxReply {
  const found = books.webhooks.get(key)
  return found ? json(200, found) : notFound('WebhookNaoEncontrado', 'Webhook não estabelecido para a chave')
}

export function removeWebhook(books: Books, key: string): SandboxReply {
  return books.webhooks.delete(key) ? { status: 204, body: '' } : readWebhook(books, key)
}

const ATTEMPTS = 4
const RETRY_MS = 250

/** Posted to `{webhookUrl}/pix` until it is taken: what has a txid, of a key that has a webhook. */
export async function deliver(books: Books, all: readonly Pix[], dispatcher: Dispatcher): Promise<number> {
  const by_key = Map.groupBy(
    all.filter(({ txid }) => txid !== undefined),
    ({ chave }) => chave,
  )
  let accepted = 0
  for (const [key, pix] of by_key) {
    const hook = books.webhooks.get(key)
    if (hook && (await post(`${hook.webhookUrl}/pix`, JSON.stringify({ pix }), dispatcher)))
      accepted += pix.length
  }
  return accepted
}

async function post(url: string, body: string, dispatcher: Dispatcher): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await sleep(RETRY_MS * attempt)
    try {
      const headers = { 'content-type': 'application/json' }
      const reply = await send(url, { method: 'POST', headers, body, dispatcher, headersTimeout: 20_000 })
      await reply.body.dump()
      if (reply.statusCode < 300) return true
    } catch {
      // Nobody answers: the next attempt says.
    }
  }
  return false
}
