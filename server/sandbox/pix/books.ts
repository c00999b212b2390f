import { randomBytes } from 'node:crypto'

/** What a PSP keeps of a receiver, in the words and shapes of the API Pix 2.9. Everything in memory. */
export type Devolucao = {
  id: string
  rtrId: string
  valor: string
  natureza: string
  horario: { solicitacao: string; liquidacao?: string }
  status: 'EM_PROCESSAMENTO' | 'DEVOLVIDO' | 'NAO_REALIZADO'
  motivo?: string
  descricao?: string
}

export type Pix = {
  endToEndId: string
  txid?: string
  valor: string
  chave: string
  horario: string
  infoPagador?: string
  devolucoes?: Devolucao[]
}

export type Charge = {
  txid: string
  revisao: number
  status: 'ATIVA' | 'CONCLUIDA' | 'REMOVIDA_PELO_USUARIO_RECEBEDOR' | 'REMOVIDA_PELO_PSP'
  calendario: {
    criacao: string
    expiracao?: number
    dataDeVencimento?: string
    validadeAposVencimento?: number
  }
  valor: { original: string; [part: string]: unknown }
  chave: string
  location: string
  loc: { id: number; location: string; tipoCob: 'cob' | 'cobv'; criacao: string; txid: string }
  pixCopiaECola: string
  pix?: Pix[]
  [field: string]: unknown
}

export type Location = { id: number; location: string; tipoCob: string; criacao: string; txid?: string }

/** Of each charge, whether it was made: asked for by the lot, it is no charge before. */
export type Lot = {
  id: string
  descricao: string
  criacao: string
  cobsv: { txid: string; status: 'CRIADA' | 'NEGADA'; criacao?: string; problema?: unknown }[]
}

export type Books = {
  charges: Map<string, Charge>
  pix: Map<string, Pix>
  locations: Map<number, Location>
  recurrences: Map<string, Record<string, unknown>>
  recurring: Map<string, Record<string, unknown>>
  requests: Map<string, Record<string, unknown>>
  recurrence_locations: Map<number, { id: number; location: string; criacao: string; idRec?: string }>
  lots: Map<string, Lot>
  /** By key; those of recurrences and their charges under `rec` and `cobr`. */
  webhooks: Map<string, { webhookUrl: string; chave?: string; criacao: string }>
  manner: Manner
}

/** PSPs differ, and refunds take their time. */
export type Manner = {
  /** A PUT of a txid that is there and waits: revised, as the specification has it, or refused, as many do. */
  known_txid: 'revise' | 'refuse'
  /** What becomes of a refund, and after how long; null: nothing until it is told. */
  refunds: 'DEVOLVIDO' | 'NAO_REALIZADO'
  refund_delay_ms: number | null
}

export const newBooks = (): Books => ({
  charges: new Map(),
  pix: new Map(),
  locations: new Map(),
  recurrences: new Map(),
  recurring: new Map(),
  requests: new Map(),
  recurrence_locations: new Map(),
  lots: new Map(),
  webhooks: new Map(),
  manner: { known_txid: 'revise', refunds: 'DEVOLVIDO', refund_delay_ms: 20 },
})

export const MOST = 100_000
const ISPB = '12345678'

export const now = (): string => new Date().toISOString()
const minute = (): string => now().replace(/\D/g, '').slice(0, 12)
const tail = (length: number): string => randomBytes(length).toString('hex').slice(0, length)

/** `E`, ISPB, the minute in UTC and eleven letters and digits; `D` of what is given back. */
export const endToEndId = (letter: 'E' | 'D'): string => `${letter}${ISPB}${minute()}${tail(11)}`
export const requestId = (): string => `SC${ISPB}${minute().slice(0, 8)}${tail(11)}`
export const recurrenceId = (): string => `RR${ISPB}${minute().slice(0, 8)}${tail(11)}`

/** Cents, so that sums are exact; null where it is no amount of the API's. */
export const cents = (valor: unknown): bigint | null =>
  typeof valor === 'string' && /^\d{1,10}\.\d{2}$/.test(valor) ? BigInt(valor.replace('.', '')) : null

export const givenBack = ({ devolucoes = [] }: Pix): bigint =>
  devolucoes.reduce(
    (sum, { status, valor }) => (status === 'NAO_REALIZADO' ? sum : sum + (cents(valor) ?? 0n)),
    0n,
  )
