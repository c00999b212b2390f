import Type, { type Static } from 'typebox'
import { BOLETO_RULES } from '../../kit/brazil/boleto.ts'
import { COMPOSE_RULES } from '../../kit/brazil/boleto_compose.ts'
import { DOCUMENT_RULES } from '../../kit/brazil/document.ts'
import { MOST_INSTRUCTIONS, MOST_PAYER_LINES } from '../../kit/brazil/slip.ts'
import { Nullable } from '../wire.ts'

const exact = { additionalProperties: false } as const

const Day = (description: string) =>
  Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', description, examples: ['2026-11-22'] })

const reference_date = Type.Optional(
  Day('The day the boleto is read on, which tells the cycle of its due date; today, in UTC'),
)

const BoletoText = Type.String({
  maxLength: 200,
  description:
    'A barcode of 44 digits, or the line: 47 of a bank, 48 of a collection; spaces, dots and hyphens anywhere',
  examples: ['42297.00408 00002.782472 26173.001129 6 10010000018084'],
})

/** A text that is not what it should be: an answer, not an error. */
export const Refused = <Rule extends string>(rules: Record<Rule, string>) =>
  Type.Object({
    valid: Type.Literal(false),
    rule: Type.Unsafe<Rule>(Type.Union(Object.keys(rules).map((rule) => Type.Literal(rule)))),
    reason: Type.String({ description: 'For people' }),
  })

export const ParseBoleto = Type.Object({ text: BoletoText, reference_date }, exact)
export type ParseBoleto = Static<typeof ParseBoleto>

const Boleto = Type.Object({
  valid: Type.Literal(true),
  kind: Type.Union([Type.Literal('bank'), Type.Literal('collection')]),
  barcode: Type.String({ description: '44 digits' }),
  line: Type.String({ description: '47 digits, or 48 of a collection' }),
  formatted: Type.String({ description: 'The line as it is printed' }),
  bank: Nullable(Type.String({ description: 'COMPE code; null for a collection' })),
  amount: Nullable(
    Type.Integer({
      minimum: 0,
      maximum: 99_999_999_999,
      description: 'Cents; 0 where the payer says how much, null where `quantity` stands in its place',
    }),
  ),
  due_factor: Nullable(Type.Integer({ minimum: 0, maximum: 9_999, description: 'Of a bank' })),
  due_date: Nullable(Day('Null where the number tells none')),
  segment: Nullable(Type.String({ description: 'Of a collection' })),
  quantity: Nullable(Type.Integer({ minimum: 0, description: 'Units of an index, in place of an amount' })),
  free_field: Type.String({ description: '25 digits of the bank, or 29 of the biller' }),
})

export const ParsedBoleto = Type.Union([Boleto, Refused(BOLETO_RULES)])

const amount = (maximum: number, description: string) => Type.Integer({ minimum: 0, maximum, description })

const BankSlip = Type.Object(
  {
    kind: Type.Literal('bank'),
    bank: Type.String({ pattern: '^[0-9]{3}$', description: 'COMPE code', examples: ['001'] }),
    due_date: Nullable(Day('Null for none')),
    amount: amount(9_999_999_999, 'Cents; 0 where the payer says how much'),
    free_field: Type.String({
      pattern: '^[0-9]{25}$',
      description: 'As the bank defines it',
      examples: ['0500940144816060680935031'],
    }),
    reference_date,
  },
  exact,
)

const CollectionSlip = Type.Object(
  {
    kind: Type.Literal('collection'),
    segment: Type.String({ pattern: '^[1-79]$', examples: ['3'] }),
    value_identifier: Type.String({
      pattern: '^[6-9]$',
      examples: ['6'],
      description:
        '6 and 8: the value is cents; 7 and 9: units of an index. 6 and 7 check modulo 10, 8 and 9 modulo 11',
    }),
    value: amount(99_999_999_999, 'Cents, or units of an index'),
    free_field: Type.String({
      pattern: '^[0-9]{29}$',
      description: "The biller's number, and what it makes of it",
      examples: ['00480000000000000000000000000'],
    }),
    reference_date,
  },
  exact,
)

export const ComposeBoleto = Type.Union([BankSlip, CollectionSlip], {
  examples: [
    {
      kind: 'bank',
      bank: '237',
      due_date: '2026-12-10',
      amount: 15_050,
      free_field: '0448056168623793601105800',
    },
  ],
})
export type ComposeBoleto = Static<typeof ComposeBoleto>

export const ComposedBoleto = Type.Union([Boleto, Refused({ ...BOLETO_RULES, ...COMPOSE_RULES })])

const words = (maxLength: number, description?: string) =>
  Type.Optional(Type.String({ maxLength, ...(description && { description }) }))

const SlipDetails = Type.Object(
  {
    bank_label: words(8, 'As the bank prints its own number, such as `748-X`'),
    pay_at: words(120),
    beneficiary: words(200, 'Who is paid: name, CPF or CNPJ, address'),
    agency: words(40, 'Agency and code of the beneficiary'),
    payer: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: MOST_PAYER_LINES })),
    document_number: words(40),
    document_date: Type.Optional(Day('Of the document')),
    our_number: words(40, 'Nosso número'),
    wallet: words(20, 'Carteira'),
    due_date: Type.Optional(Day('Where the number tells none')),
    instructions: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: MOST_INSTRUCTIONS })),
  },
  { ...exact, description: 'What the number does not say; only a PDF shows it' },
)

export const DrawBoleto = Type.Object(
  {
    text: BoletoText,
    format: Type.Union([Type.Literal('svg'), Type.Literal('pdf')], {
      description: 'The barcode alone, or the slip on a page of A4',
    }),
    reference_date,
    details: Type.Optional(SlipDetails),
  },
  exact,
)
export type DrawBoleto = Static<typeof DrawBoleto>

export const ReadDocument = Type.Object(
  {
    text: Type.String({
      maxLength: 100,
      description: 'A CPF or CNPJ, bare or punctuated',
      examples: ['12.ABC.345/01DE-35'],
    }),
  },
  exact,
)
export type ReadDocument = Static<typeof ReadDocument>

export const DocumentRead = Type.Union([
  Type.Object({
    valid: Type.Literal(true),
    kind: Type.Union([Type.Literal('cpf'), Type.Literal('cnpj')]),
    value: Type.String({ description: 'Bare' }),
    formatted: Type.String({ description: 'With its punctuation' }),
  }),
  Refused(DOCUMENT_RULES),
])
