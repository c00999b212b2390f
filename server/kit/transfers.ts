import Type, { type Static, type TSchema } from 'typebox'
import type { Money } from '../platform/money.ts'
import type { Settings } from './fields.ts'
import type { Refusal } from './news.ts'
import type { Operation } from './provider.ts'

/** What a bank can be asked about money that leaves an account, the same words for every bank. */
const closed = { additionalProperties: false } as const

export const METHODS = ['pix', 'ted', 'internal'] as const
export type TransferMethod = (typeof METHODS)[number]
export const Method = Type.Unsafe<TransferMethod>({
  ...Type.Union(METHODS.map((one) => Type.Literal(one))),
  description: 'pix by key or account, ted to an account elsewhere, internal to one at the same bank',
})

export const ACCOUNT_KINDS = ['checking', 'savings', 'payment'] as const
export type AccountKind = (typeof ACCOUNT_KINDS)[number]

/** Where it goes: a Pix key, or an account. Whose that is where it is known, and always for an account. */
export const Destination = Type.Object(
  {
    pix_key: Type.Optional(
      Type.String({ minLength: 1, maxLength: 77, description: 'CPF, CNPJ, +55 phone, e-mail or random key' }),
    ),
    account: Type.Optional(
      Type.Object(
        {
          bank_code: Type.Optional(
            Type.String({
              pattern: '^[0-9A-Z]{8}$',
              examples: ['60701190'],
              description: 'ISPB; of internal it is the bank itself',
            }),
          ),
          branch: Type.String({ pattern: '^[0-9]{1,5}$', examples: ['1234'], description: 'No check digit' }),
          number: Type.String({
            pattern: '^[0-9]{1,13}$',
            examples: ['56789'],
            description: 'No check digit',
          }),
          check_digit: Type.String({ pattern: '^[0-9A-Z]{1,2}$', examples: ['0'] }),
          kind: Type.Optional(
            Type.Unsafe<AccountKind>({
              ...Type.Union(ACCOUNT_KINDS.map((one) => Type.Literal(one))),
              description: 'checking unless said otherwise',
            }),
          ),
        },
        closed,
      ),
    ),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 120 })),
    document: Type.Optional(
      Type.String({
        pattern: '^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$',
        examples: ['12345678909'],
        description: 'CPF or CNPJ of who receives',
      }),
    ),
  },
  closed,
)
export type Destination = Static<typeof Destination>

const VendorId = Type.String({ minLength: 1, maxLength: 255, description: "The bank's id of it" })
const Reference = Type.String({ minLength: 1, maxLength: 40, description: 'Ours, given back by the bank' })
const OurNumber = Type.Integer({ minimum: 1, description: 'Ours, by which the bank makes it once' })
export const Day = Type.String({
  pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$',
  examples: ['2026-12-30'],
})

export const CreateTransfer = Type.Object(
  {
    reference: Reference,
    number: Type.Optional(OurNumber),
    method: Method,
    money: Type.Object(
      {
        amount: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }),
        currency: Type.String({ pattern: '^[A-Z]{3}$' }),
      },
      closed,
    ),
    destination: Destination,
    date: Type.Unsafe<string>({ ...Day, description: 'The day it is to be made, in São Paulo' }),
    description: Type.Optional(Type.String({ maxLength: 140, description: 'What who receives reads' })),
  },
  closed,
)
export type CreateTransfer = Static<typeof CreateTransfer>

export const FindTransfer = Type.Object({ vendor_id: VendorId, method: Method }, closed)
export type FindTransfer = Static<typeof FindTransfer>

export const FindTransferByReference = Type.Object(
  {
    reference: Reference,
    number: Type.Optional(OurNumber),
    method: Method,
    date: Type.Optional(Type.Unsafe<string>({ ...Day, description: 'The day it was sent, in São Paulo' })),
  },
  closed,
)
export type FindTransferByReference = Static<typeof FindTransferByReference>

export const ReleaseTransfer = Type.Object(
  { reference: Reference, number: Type.Optional(OurNumber), method: Method },
  closed,
)
export type ReleaseTransfer = Static<typeof ReleaseTransfer>

/** As the bank sees it now. */
export type VendorTransfer = {
  vendor_id?: string
  /** `pending` is also what a word we do not know means; `awaiting_release`: the account's holder has to let it go. */
  status: 'pending' | 'awaiting_release' | 'completed' | 'failed' | 'canceled' | 'returned'
  /** The bank's own word. */
  word: string | null
  money?: Money
  /** Ours, where the bank gave it back. Another one means that it is another's. */
  reference?: string
  /** Of a Pix. */
  end_to_end_id?: string
  /** By which its receipt can be checked. */
  receipt?: string
  /** How much came back. */
  returned?: Money
  failure?: Refusal
}

/**
 * A transfer is asked for once, whatever becomes of the answer: one that nobody saw is looked for by our reference. So a
 * provider without `find_by_reference` cannot be written.
 */
export type Transfers = {
  methods: readonly TransferMethod[]
  /** Where the bank knows a transfer by a number of ours that is used once: the highest it takes. */
  highest_number?: number
  /**
   * What the bank says of a reference it does not know is not published, or it lists late: that it shows none proves
   * nothing, and what nobody saw the end of stays open until the bank shows it or somebody says what became of it.
   */
  absence_proves_nothing?: true
  create: Operation<CreateTransfer, VendorTransfer>
  /** Null: the bank has none such. */
  find: Operation<FindTransfer, VendorTransfer | null>
  find_by_reference: Operation<FindTransferByReference, VendorTransfer | null>
  /** Lets one go that waits for it; done twice it is the same. */
  release?: Operation<ReleaseTransfer, null>
  /** Whether it is us who let them go, and not somebody in the bank's own pages. */
  releases?(settings: Settings): boolean
  cancel?: Operation<FindTransfer, VendorTransfer>
}

export type TransferVerb = Exclude<
  keyof Transfers,
  'methods' | 'highest_number' | 'absence_proves_nothing' | 'releases'
>

const INPUTS: Record<TransferVerb, TSchema> = {
  create: CreateTransfer,
  find: FindTransfer,
  find_by_reference: FindTransferByReference,
  release: ReleaseTransfer,
  cancel: FindTransfer,
}

/** What a bank can do with transfers, as operations: `transfers.create` and the like. */
export function transferOperations(transfers: Transfers | undefined): Record<string, Operation> {
  const named: Record<string, Operation> = {}
  for (const verb of Object.keys(INPUTS) as TransferVerb[]) {
    const found = transfers?.[verb] as Operation | undefined
    if (found) named[`transfers.${verb}`] = { ...found, external_ids: transferIds, input: INPUTS[verb] }
  }
  return named
}

type TransferIds = { vendor_id?: string; reference?: string; end_to_end_id?: string }

/** By what a call about a transfer is found, of what is asked and what came of it. */
const transferIds = (input: unknown, output: unknown): (string | null | undefined)[] =>
  [input, output].flatMap((side) => {
    const { vendor_id, reference, end_to_end_id } = (side ?? {}) as TransferIds
    return [vendor_id, reference, end_to_end_id]
  })
