import { ask, type Door, is2xx, persist } from './asking.ts'

/**
 * Those who call vendors through the product, each asking for an order of their own, and their own lists of what they
 * were told. Whoever got no answer does not ask again without knowing what became of it.
 */
export type Caller = {
  /** Calls that were answered, by their wire ids: the order, and the state that the report gave. */
  called: Map<string, { order: string; state: string }>
  /** Calls to be made later that were taken on, by their wire ids. */
  deferred: Map<string, string>
  /** Batches that were taken on, by their wire ids: the orders of their calls. */
  batches: Map<string, string[]>
  calling: Record<'call' | 'deferred' | 'batch' | 'keyed' | 'oauth', (number: string) => Promise<void>>
}

const OF_A_BATCH = 3
/** Soon after each other, and over before anybody loses patience. */
const LATER = { times: 6, after_ms: 500 }

export function createCaller(door: Door, repeated: () => void): Caller {
  const called: Caller['called'] = new Map()
  const deferred: Caller['deferred'] = new Map()
  const batches: Caller['batches'] = new Map()
  const wanted = (order: string) => ({ method: 'POST', path: '/orders', body: { order } })
  const callsOf = (connection: string) => `/v1/connections/${connection}/calls`

  async function callOnce(connection: string, order: string, headers = {}) {
    const answer = await ask(door, callsOf(connection), wanted(order), headers)
    if (is2xx(answer)) called.set(String(answer.body['id']), { order, state: String(answer.body['state']) })
    return answer
  }

  const calling: Caller['calling'] = {
    call: async (number) => void (await callOnce(door.connection, number)),
    deferred: async (number) => {
      const order = `later-${number}`
      const body = { ...wanted(order), mode: 'async', retry_later: LATER }
      const answer = await ask(door, callsOf(door.connection), body)
      if (is2xx(answer)) deferred.set(String(answer.body['id']), order)
    },
    batch: async (number) => {
      const orders = Array.from({ length: OF_A_BATCH }, (_, at) => `batch-${number}-${at}`)
      const calls = orders.map((order) => ({ ...wanted(order), retry_later: LATER }))
      const answer = await ask(door, `${callsOf(door.keyed)}/batch`, { calls })
      if (is2xx(answer)) batches.set(String(answer.body['id']), orders)
    },
    /** Under one key until an answer comes, or the word that nobody knows; its vendor would do it each time. */
    keyed: async (number) => {
      const attempt = async () => {
        const headers = { 'idempotency-key': `keyed-${number}` }
        const answer = await callOnce(door.connection, `keyed-${number}`, headers)
        const is_unknown = answer?.body['code'] === 'outcome_unknown'
        return is_unknown || is2xx(answer)
      }
      await persist(`keyed call ${number}`, attempt, repeated)
    },
    /** Another order each time, until one succeeds: whatever was cut off, the connection is let in again. */
    oauth: async (number) => {
      let tried = 0
      const attempt = async () => {
        const answer = await callOnce(door.oauth, `oauth-${number}-${++tried}`)
        return is2xx(answer) && answer.body['state'] === 'succeeded'
      }
      await persist(`call ${number} with a token`, attempt, repeated)
    },
  }
  return { called, deferred, batches, calling }
}
