import { createHash } from 'node:crypto'

/**
 * What a bank has in its books: the same for the same ISPB and day, whenever it is asked. A year and more of it, with
 * twins, entries of the future, and entries whose id is another one until the day after.
 */
export type Entry = {
  transactionId: string
  completedAuthorisedPaymentType: 'TRANSACAO_EFETIVADA' | 'LANCAMENTO_FUTURO' | 'TRANSACAO_PROCESSANDO'
  creditDebitType: 'CREDITO' | 'DEBITO'
  transactionName: string
  type: string
  /** Cents. */
  cents: number
  day: string
  transactionDateTime: string
  partieCnpjCpf?: string
  partiePersonType?: string
  partieCompeCode?: string
  partieBranchCode?: string
  partieNumber?: string
  partieCheckDigit?: string
}

export type Ledger = {
  /** YYYY-MM-DD in São Paulo, as far as the bank has come. */
  today(): string
  nextDay(): void
  /** Newest first, those of the future before all. */
  entries(account: string): Entry[]
  /** Cents, of what is booked. */
  balance(account: string): number
}

const DAY_MS = 86_400_000
const BACK_DAYS = 400
const AHEAD_DAYS = 20

/** Immutable on the day itself; of the others the id may change until the day after. */
const IMMUTABLE = new Set([
  'TED',
  'PIX',
  'TRANSFERENCIA_MESMA_INSTITUICAO',
  'TARIFA_SERVICOS_AVULSOS',
  'FOLHA_PAGAMENTO',
])

const KINDS = [
  { type: 'PIX', name: 'PIX RECEBIDO', credit: true },
  { type: 'CARTAO', name: 'COMPRA CARTAO MERCADO', credit: false },
  { type: 'BOLETO', name: 'PAGAMENTO BOLETO', credit: false },
  { type: 'TED', name: 'TED RECEBIDA', credit: true },
  { type: 'PIX', name: 'PIX ENVIADO', credit: false },
  { type: 'TARIFA_SERVICOS_AVULSOS', name: 'TARIFA', credit: false },
] as const

export function createLedger(ispb: string): Ledger {
  let today_ms = Date.parse(`${saoPauloDay(new Date())}T00:00:00Z`)
  const [first_ms, opened_ms] = [today_ms - BACK_DAYS * DAY_MS, today_ms]
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  const entries = (account: string): Entry[] => {
    const found: Entry[] = []
    for (let ms = today_ms + AHEAD_DAYS * DAY_MS; ms >= first_ms; ms -= DAY_MS) {
      const at = ms > today_ms ? 'future' : ms === today_ms ? 'today' : 'past'
      found.push(...entriesOf(`${ispb} ${account}`, dayOf(ms), at, ms >= opened_ms))
    }
    return found
  }
  return {
    today: () => dayOf(today_ms),
    nextDay: () => {
      today_ms += DAY_MS
    },
    entries,
    balance: (account) =>
      entries(account)
        .filter(({ completedAuthorisedPaymentType: type }) => type === 'TRANSACAO_EFETIVADA')
        .reduce(
          (sum, { cents, creditDebitType }) => sum + (creditDebitType === 'CREDITO' ? cents : -cents),
          OPENING,
        ),
  }
}

const OPENING = 20_000_000

export const saoPauloDay = (at: Date): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' }).format(at)

/** `is_full`: one of each kind and a pair of twins, so that what changes overnight is always there to be seen. */
function entriesOf(of: string, day: string, at: When, is_full: boolean): Entry[] {
  const dice = createHash('sha256').update(`${of} ${day}`).digest()
  if (at === 'future')
    return (dice[0] ?? 0) % 5 === 0 ? [entryOf(of, day, dice, { place: 0, at, is_full: false })] : []
  const count = is_full ? KINDS.length : (dice[0] ?? 0) % 4
  const plain = Array.from({ length: count }, (_, place) => entryOf(of, day, dice, { place, at, is_full }))
  return (dice[1] ?? 0) % 10 === 0 || is_full ? [...plain, ...twins(of, day)] : plain
}

type When = 'past' | 'today' | 'future'
type Which = { place: number; at: When; is_full: boolean }

function entryOf(of: string, day: string, dice: Buffer, { place, at, is_full }: Which): Entry {
  const kind = (is_full ? KINDS[place] : KINDS[(dice[2 + place] ?? 0) % KINDS.length]) ?? KINDS[0]
  const is_open = at === 'today' && !IMMUTABLE.has(kind.type)
  const hour = String(12 + (place % 8)).padStart(2, '0')
  return {
    transactionId: idOf(`${of} ${day} ${place}${is_open ? ' d0' : ''}${at === 'future' ? ' f' : ''}`),
    completedAuthorisedPaymentType:
      at === 'future' ? 'LANCAMENTO_FUTURO' : is_open ? 'TRANSACAO_PROCESSANDO' : 'TRANSACAO_EFETIVADA',
    creditDebitType: kind.credit ? 'CREDITO' : 'DEBITO',
    transactionName: kind.name,
    type: kind.type,
    cents: 100 + dice.readUInt16BE(4 + place * 2),
    day,
    transactionDateTime: `${day}T${hour}:30:00.000Z`,
    ...(kind.type === 'PIX' && PARTY),
  }
}

/** Two of the same amount, second and name: two payments all the same. */
const twins = (of: string, day: string): Entry[] =>
  ['a', 'b'].map((letter) => ({
    transactionId: idOf(`${of} ${day} twin ${letter}`),
    completedAuthorisedPaymentType: 'TRANSACAO_EFETIVADA',
    creditDebitType: 'DEBITO',
    transactionName: 'PIX PASSAGEM METRO',
    type: 'PIX',
    cents: 520,
    day,
    transactionDateTime: `${day}T14:00:00.000Z`,
  }))

const PARTY = {
  partieCnpjCpf: '52998224725',
  partiePersonType: 'PESSOA_NATURAL',
  partieCompeCode: '260',
  partieBranchCode: '0001',
  partieNumber: '00012345678',
  partieCheckDigit: '9',
}

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40)

export const decimal = (cents: number): string =>
  `${cents < 0 ? '-' : ''}${Math.floor(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, '0')}`

export const brl = (cents: number, digits = 2) => ({
  amount: `${decimal(cents)}${'0'.repeat(digits - 2)}`,
  currency: 'BRL',
})
