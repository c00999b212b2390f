import Type, { type Static } from 'typebox'
import { BRCODE_RULES } from '../../kit/brazil/brcode_rules.ts'
import { WRITE_RULES } from '../../kit/brazil/brcode_write.ts'
import { Nullable } from '../wire.ts'
import { Refused } from './schema.ts'

const exact = { additionalProperties: false } as const

const qr = Type.Optional(
  Type.Union([Type.Literal('svg'), Type.Literal('png')], { description: 'Draw it as a QR code too' }),
)

const maybe = (maxLength: number, description: string, ...examples: string[]) =>
  Type.Optional(Nullable(Type.String({ maxLength, description, examples })))

export const DecodeBrCode = Type.Object(
  {
    text: Type.String({
      maxLength: 2_000,
      description: 'A BR Code as it is copied, or as a reader of QR codes gives it',
      examples: [
        '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D',
      ],
    }),
    qr,
  },
  exact,
)
export type DecodeBrCode = Static<typeof DecodeBrCode>

export const EncodeBrCode = Type.Object(
  {
    key: maybe(200, 'Of whom it pays, as people write it; this or `url`, or neither', '529.982.247-25'),
    url: maybe(
      200,
      'Where the charge is told: host/path, without a scheme',
      'pix.example.com/qr/v2/8b3da2f3',
    ),
    recurrence_url: maybe(
      200,
      'Where the recurrence of a Pix Automático is told',
      'pix.example.com/rec/2353c790',
    ),
    merchant_name: Type.String({ maxLength: 200, description: 'Up to 25 characters; accents are taken off' }),
    merchant_city: Type.String({ maxLength: 200, description: 'Up to 15 characters; accents are taken off' }),
    amount: maybe(20, 'Reais, beside a key; the payer says how much where it is absent', '10.00'),
    txid: maybe(50, 'Beside a key: up to 25 letters and digits', 'PEDIDO123'),
    description: maybe(200, 'Beside a key: what the payer is shown', 'Pedido 123'),
    withdrawal_ispb: maybe(20, 'Beside a key: who hands out the cash of a Pix Saque', '12345678'),
    postal_code: maybe(20, 'CEP', '70074900'),
    merchant_category: maybe(10, 'MCC, four digits; 0000 where absent', '0000'),
    single_use: Type.Optional(Type.Boolean({ description: 'It may be paid once' })),
    qr,
  },
  exact,
)
export type EncodeBrCode = Static<typeof EncodeBrCode>

const OneOf = <const Word extends string>(words: Word[], description: string) =>
  Type.Unsafe<Word>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { description },
    ),
  )

const BrCode = Type.Object({
  valid: Type.Literal(true),
  type: OneOf(
    ['static', 'dynamic', 'composite', 'recurrence'],
    'A key; a URL; either and a recurrence; that alone',
  ),
  text: Type.String({ description: 'The code itself' }),
  key: Nullable(Type.String()),
  key_type: Nullable(OneOf(['cpf', 'cnpj', 'phone', 'email', 'evp'], 'By its form alone')),
  url: Nullable(Type.String({ description: 'Of the charge; of a recurrence alone, of that' })),
  recurrence_url: Nullable(Type.String()),
  merchant_name: Type.String(),
  merchant_city: Type.String(),
  txid: Nullable(Type.String({ description: 'As written; `***` says there is none' })),
  amount: Nullable(
    Type.String({ description: 'Reais as written; beside a `url` what counts is what the charge says' }),
  ),
  amount_cents: Nullable(Type.Integer({ minimum: 0 })),
  description: Nullable(Type.String()),
  withdrawal_ispb: Nullable(Type.String()),
  single_use: Type.Boolean(),
  postal_code: Nullable(Type.String()),
  merchant_category: Type.String(),
  qr: Nullable(
    Type.Object({
      media_type: Type.Union([Type.Literal('image/svg+xml'), Type.Literal('image/png')]),
      content: Type.String({ description: 'SVG as it is, PNG in base64' }),
    }),
  ),
})

export const DecodedBrCode = Type.Union([BrCode, Refused(BRCODE_RULES)])

export const EncodedBrCode = Type.Union([
  BrCode,
  Type.Object({
    ...Refused(WRITE_RULES).properties,
    field: Nullable(Type.String({ description: 'Null where no field alone is at fault' })),
  }),
])
