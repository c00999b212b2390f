import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { json, readJson, type SandboxReply, type SandboxRequest } from '../wire.ts'
import type { Made, Making } from './hooks.ts'
import { createItems } from './plaid_items.ts'

/** Plaid's webhooks and the endpoint that gives their keys, beside its items: plaid.com/docs/api/webhooks/webhook-verification. */
export function createPlaid() {
  const pairs = [pair(), pair()] as const
  const items = createItems()
  const kids = [randomUUID(), randomUUID()] as const

  function make(
    { forged, type = 'TRANSACTIONS.SYNC_UPDATES_AVAILABLE', payload }: Making,
    n: number,
    at_s: number,
  ) {
    const [webhook_type = '', webhook_code = ''] = type.split('.')
    const about = { item_id: `item-sandbox-${n}`, environment: 'sandbox' }
    const body = JSON.stringify({ webhook_type, webhook_code, ...(payload ?? about) }, null, 2)
    const head = part({ alg: 'ES256', kid: kids[0], typ: 'JWT' })
    const hash = createHash('sha256').update(body).digest('hex')
    const claims = part({ iat: at_s, request_body_sha256: hash })
    const key = pairs[forged ? 1 : 0].privateKey
    const signature = sign('sha256', Buffer.from(`${head}.${claims}`), { key, dsaEncoding: 'ieee-p1363' })
    const token = `${head}.${claims}.${signature.toString('base64url')}`
    return { body, headers: { 'content-type': 'application/json', 'plaid-verification': token } } as Made
  }

  function answer(request: SandboxRequest): SandboxReply | null {
    const { method, path, body } = request
    if (method !== 'POST' || path !== '/webhook_verification_key/get') return items(request)
    const { key_id } = (readJson(body) ?? {}) as { key_id?: unknown }
    if (key_id !== kids[0]) return json(400, NO_SUCH_KEY)
    const { x, y } = pairs[0].publicKey.export({ format: 'jwk' })
    const key = { alg: 'ES256', created_at: 1_560_466_143, crv: 'P-256', expired_at: null, kid: key_id }
    return json(200, { key: { ...key, kty: 'EC', use: 'sig', x, y }, request_id: 'RZ6Omi1bzzwDaLo' })
  }

  return { make, answer }
}

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

const NO_SUCH_KEY = {
  error_type: 'INVALID_INPUT',
  error_code: 'INVALID_WEBHOOK_VERIFICATION_KEY_ID',
  error_message: 'invalid key_id provided. note that key_ids are specific to Plaid environments',
  display_message: null,
  request_id: 'RZ6Omi1bzzwDaLo',
}
