import type { Login } from '../../kit/auth/login.ts'
import { basic } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, operation } from '../../kit/provider.ts'
import { addressToken } from '../../kit/signatures.ts'
import { enveloped } from '../../kit/transports/enveloped.ts'
import { envelope } from './envelope.ts'
import {
  CardCharge,
  capture,
  chargeCard,
  chargeId,
  chargeSource,
  giveBack,
  IdCharge,
  isEncrypted,
  NewCard,
  statement,
  takeCard,
} from './requests.ts'
import { refuses, toCharge, toPayments, toRefusal, unreadable } from './translate.ts'
import { CardTaken, Changed, Charged, Returned, Statement } from './wire.ts'

const login: Login = {
  kind: 'login',
  username: 'username',
  password: 'password',
  username_field: 'username',
  password_field: 'password',
  extra: { grant_type: 'password' },
  encoding: 'form',
  login_url: '/api/token',
  token_path: 'access_token',
  expires_path: 'expires_in',
  ttl_s: 1_200,
  header: 'authorization',
  prefix: 'Bearer ',
}

const DAY_MS = 86_400_000
const shifted = (moment: string, ms: number) => new Date(Date.parse(moment) + ms).toISOString()

/**
 * Pinbank knows neither idempotency keys nor a lookup by our reference: a charge that nobody saw the end of is looked
 * for in its statement, by amount and time, and stays unknown until it is found.
 */
export const pinbank = defineProvider({
  id: 'pinbank',
  name: 'Pinbank',
  category: 'payments',
  docs: 'https://www.pinbank.com.br',
  fields: [
    {
      key: 'base_url',
      label: 'Base URL',
      hint: 'without /api; Pinbank gives one for tests and one for production',
      type: 'url',
      required: true,
      example: 'https://dev.pinbank.com.br/services',
    },
    {
      key: 'dialect',
      label: 'Dialect',
      hint: 'encrypted: bodies sealed, a token; basic: plain JSON and HTTP Basic, the first integrations',
      enum: ['encrypted', 'basic'],
      default: 'encrypted',
    },
    { key: 'username', label: 'User name', secret: true, required: true },
    {
      key: 'password',
      label: 'Password',
      hint: 'its first 16 bytes are the key that bodies are sealed with',
      secret: true,
      required: true,
    },
    { key: 'channel_code', label: 'Channel (CodigoCanal)', type: 'integer', required: true, example: '47' },
    { key: 'client_code', label: 'Client (CodigoCliente)', type: 'integer', required: true, example: '3510' },
    {
      key: 'store_key',
      label: 'Store (KeyLoja)',
      hint: '20 digits',
      required: true,
      pattern: '[0-9]{1,30}',
      example: '11384322623341877660',
    },
    { key: 'origin', label: 'RequestOrigin', default: '5', pattern: '[0-9A-Za-z-]{1,40}' },
    { key: 'terminal', label: 'Terminal', hint: 'basic dialect only', pattern: '[0-9A-Za-z-]{1,20}' },
    {
      key: 'return_url',
      label: 'Return address (UrlRetorno)',
      hint: 'the address of a source of this provider; basic dialect only',
      type: 'url',
    },
  ],
  auth: (settings) => (isEncrypted(settings) ? login : basic('username', 'password')),
  transport: enveloped((settings) => (isEncrypted(settings) ? envelope : null)),
  limits: { timeout_ms: 30_000, requests_per_minute: 600 },
  headers: (settings): Record<string, string> =>
    isEncrypted(settings) ? { requestorigin: String(settings['origin'] ?? '5') } : {},
  test: (settings) => statement({ from: '2020-01-01T00:00:00Z', to: '2020-01-01T00:00:01Z' }, settings),
  sensitive: [
    'NumeroCartao',
    'CVV',
    'CodigoSeguranca',
    'MesValidade',
    'AnoValidade',
    'DataValidade',
    'NomeTitular',
    'NomeImpresso',
  ],
  refuses,
  refusal: toRefusal,
  payments: {
    settles: 'statement',
    installments: true,
    create: operation({ request: chargeSource, reads: Charged, translate: toCharge }),
    find: operation({
      request: ({ created_at }, settings) => {
        if (created_at === undefined)
          throw unreadable('Pinbank finds nothing without the day: created_at is missing')
        const [from, to] = [shifted(created_at, -DAY_MS), shifted(created_at, DAY_MS)]
        return statement({ from, to }, settings)
      },
      reads: Statement,
      translate: ({ Data }, { vendor_id }) =>
        toPayments(Data ?? []).find((one) => one.vendor_id === vendor_id) ?? null,
    }),
    statement: operation({
      request: statement,
      reads: Statement,
      translate: ({ Data }) => toPayments(Data ?? []),
    }),
    capture: operation({
      request: capture,
      reads: Changed,
      translate: (_, { vendor_id, money }) => ({
        vendor_id,
        status: 'completed',
        money: known(money),
        captured: known(money),
      }),
    }),
    cancel: operation({
      request: ({ vendor_id, money }, settings) => giveBack({ vendor_id, ...(money && { money }) }, settings),
      reads: Changed,
      translate: (_, { vendor_id, money }) => ({ vendor_id, status: 'canceled', money: known(money) }),
    }),
    refund: operation({
      request: giveBack,
      reads: Changed,
      translate: ({ Data }, { vendor_id, money, reference }) => ({
        vendor_id: String(Data?.CodigoAutorizacaoCancelamento || `${vendor_id}-${reference ?? ''}`),
        payment_id: vendor_id,
        status: 'completed',
        money: known(money),
        ...(reference !== undefined && { reference }),
      }),
    }),
  },
  operations: {
    charge_card: {
      ...operation({ input: CardCharge, request: chargeCard, reads: Charged, translate: toCharge }),
      unstored: true,
    },
    charge_card_id: {
      ...operation({ input: IdCharge, request: chargeId, reads: Charged, translate: toCharge }),
      unstored: true,
    },
    tokenize_card: {
      ...operation({
        input: NewCard,
        request: takeCard,
        reads: CardTaken,
        translate: ({ CartaoId, Bandeira, Data }, { number }) => ({
          source: String(Data?.CartaoId ?? CartaoId ?? ''),
          last_four: number.slice(-4),
          brand: Bandeira ?? null,
        }),
      }),
      unstored: true,
    },
  },
  webhooks: {
    signature: addressToken('query', 'token'), // Pinbank documents no signature
    form: { json_in: null },
    reads: Returned,
    event_id: () => null, // nor an id: copies are known by their body
    event_type: () => 'return',
    external_ids: (body) =>
      [body['NSU'], body['NsuOperacao']].map((id) => (id === undefined ? null : String(id))),
    translate: (_, { text }) => [{ type: newsName('pinbank', 'returned'), data: text }],
  },
})

const known = <Money>(money: Money | undefined): Money => {
  if (money !== undefined) return money
  throw unreadable('it is not known how much was asked for')
}
