import Type from 'typebox'
import { apiKey } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, operation, post, type WebhookMessage } from '../../kit/provider.ts'
import { jwt } from '../../kit/signatures.ts'
import { type Envelope, enveloped } from '../../kit/transports/enveloped.ts'
import { Problem } from '../../platform/errors.ts'
import { toNews } from './news.ts'
import { registration } from './registration.ts'
import { toAccount, toBalance, toRefusal, toTransaction } from './translate.ts'
import { Accounts, Changes, Exchanged, LinkToken, type PlaidEvent, PlaidEvent as Reads } from './wire.ts'

const typeOf = ({ webhook_type, webhook_code }: PlaidEvent) => `${webhook_type}.${webhook_code}`

/**
 * The claims of its token, the time among them. Plaid gives its messages no id, and says the same words again
 * (SYNC_UPDATES_AVAILABLE of one item) whenever they are true again: as copies of each other they would be lost.
 */
function claimsOf({ headers }: WebhookMessage): string | null {
  const token = headers['plaid-verification']
  return typeof token === 'string' ? (token.split('.')[1] ?? null) : null
}

/** Plaid wants the token of an item in the body; where a body names one itself, or the connection has none, it stays. */
const withToken: Envelope = {
  wrap(body, { access_token }) {
    if (access_token === undefined || !body.startsWith('{') || /"access_token"\s*:/.test(body)) return body
    const rest = body.slice(1).trimStart()
    return `{"access_token":${JSON.stringify(access_token)}${rest.startsWith('}') ? '' : ','}${rest}`
  },
}

const MOST_CHANGES = 500

export const plaid = defineProvider({
  id: 'plaid',
  name: 'Plaid',
  category: 'banking',
  docs: 'https://plaid.com/docs/api',
  base_url: { live: 'https://production.plaid.com', test: 'https://sandbox.plaid.com' },
  fields: [
    {
      key: 'client_id',
      label: 'Client id',
      hint: 'Dashboard, Developers, Keys',
      required: true,
      pattern: '[0-9a-f]{24}',
      example: '24 hex digits',
    },
    { key: 'base_url', label: 'Base URL', hint: 'only for a sandbox or a gateway in between', type: 'url' },
    {
      key: 'access_token',
      label: 'Access token',
      hint: "of one item, a person's log-in at a bank: what exchange_public_token gives",
      secret: true,
      pattern: 'access-[a-z]+-[0-9A-Za-z-]+',
      worlds: { live: 'access-production-.*', test: 'access-(sandbox|development)-.*' },
    },
  ],
  auth: apiKey('header', 'plaid-secret', 'secret'),
  api_version: { default: '2020-09-14', pattern: '[0-9]{4}-[0-9]{2}-[0-9]{2}', header: 'plaid-version' },
  headers: ({ client_id }) => ({ 'plaid-client-id': String(client_id ?? '') }),
  transport: enveloped(() => withToken),
  refusal: toRefusal,
  limits: { timeout_ms: 30_000 },
  banking: {
    accounts: operation({
      request: () => post('/accounts/get', {}),
      reads: Accounts,
      translate: ({ accounts, item }) => ({
        items: accounts.map((account) => ({
          ...toAccount(account),
          ...(item && { login_id: item.item_id }),
        })),
        next: null,
      }),
    }),
    balance: operation({
      request: ({ account_id }) => post('/accounts/balance/get', { options: { account_ids: [account_id] } }),
      reads: Accounts,
      translate: ({ accounts }, { account_id }) => {
        const found = accounts.find((account) => account.account_id === account_id)
        if (found) return toBalance(found)
        throw new Problem('vendor_failed', { detail: `the answer has no account ${account_id}` })
      },
    }),
    changes: operation({
      request: ({ after }) =>
        post('/transactions/sync', { count: MOST_CHANGES, ...(after !== undefined && { cursor: after }) }),
      reads: Changes,
      translate: ({ added, modified, removed, next_cursor, has_more }) => ({
        added: added.map(toTransaction),
        modified: modified.map(toTransaction),
        removed: removed.map(({ transaction_id, account_id }) => ({
          vendor_id: transaction_id,
          account_id: account_id ?? null,
        })),
        next: next_cursor,
        has_more,
      }),
    }),
  },
  operations: {
    create_link_token: operation({
      input: Type.Object(
        {
          user_id: Type.String({ minLength: 1, maxLength: 128, description: 'Ours, of the person' }),
          client_name: Type.String({ minLength: 1, maxLength: 30 }),
          language: Type.Optional(Type.String({ pattern: '^[a-z]{2}$' })),
          country_codes: Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), { minItems: 1, maxItems: 10 }),
          products: Type.Optional(Type.Array(Type.String({ maxLength: 40 }), { maxItems: 10 })),
          webhook: Type.Optional(Type.String({ maxLength: 500 })),
          redirect_uri: Type.Optional(Type.String({ maxLength: 500 })),
        },
        { additionalProperties: false },
      ),
      request: ({ user_id, language = 'en', products = ['transactions'], ...rest }) =>
        post('/link/token/create', { user: { client_user_id: user_id }, language, products, ...rest }),
      reads: LinkToken,
      translate: ({ link_token, expiration }) => ({ link_token, expires_at: expiration ?? null }),
    }),
    /** What Link gives to the browser, good for half an hour, for what the connection of that person keeps. */
    exchange_public_token: operation({
      input: Type.Object(
        { public_token: Type.String({ minLength: 1, maxLength: 200 }) },
        { additionalProperties: false },
      ),
      request: ({ public_token }) => post('/item/public_token/exchange', { public_token }),
      reads: Exchanged,
      translate: ({ access_token, item_id }) => ({ access_token, item_id }),
    }),
  },
  reference: { member: 'request_id' },
  test: post('/institutions/get', { count: 1, offset: 0, country_codes: ['US'] }),
  webhooks: {
    registration,
    signature: jwt({
      header: 'plaid-verification',
      algorithms: ['ES256'],
      body_hash: 'request_body_sha256',
      tolerance_seconds: 300,
      keys: {
        from: 'connection',
        path: '/webhook_verification_key/get',
        kid_field: 'key_id',
        unknown: 'INVALID_WEBHOOK_VERIFICATION_KEY_ID',
      },
    }),
    reads: Reads,
    event_id: (_event, message) => claimsOf(message),
    event_type: typeOf,
    entity_id: ({ item_id }) => item_id ?? null,
    translate: (event, { text }) => [
      ...toNews(event),
      { type: newsName('plaid', typeOf(event)), data: text },
    ],
  },
})
