import type { Refusal, RefusalReason } from '../../kit/news.ts'
import { read, words } from '../../kit/reads.ts'
import { ErrorBody } from './wire.ts'

/** The last word of `type`, of those that every address may answer. Chapter "Tratamento de erros" of the API Pix. */
const BY_TYPE = words<RefusalReason>({
  RequisicaoInvalida: 'invalid_request',
  AcessoNegado: 'not_permitted',
  NaoEncontrado: 'not_found',
  PermanentementeRemovido: 'not_found',
  ErroInternoDoServidor: 'vendor_unavailable',
  ServicoIndisponivel: 'vendor_unavailable',
  IndisponibilidadePorTempoEsgotado: 'vendor_unavailable',
})

/** The others end alike, whatever they are about: CobNaoEncontrado, RecNaoEncontrada, PixDevolucaoInvalida. */
const ENDINGS: [RegExp, RefusalReason][] = [
  [/NaoEncontrad[ao]$/, 'not_found'],
  [/Invalid[ao]$/, 'invalid_request'],
]

/** A 404 without a type of the API's may come from anything that stands before it. */
const BY_STATUS: Readonly<Record<number, RefusalReason>> = {
  400: 'invalid_request',
  401: 'credentials_refused',
  403: 'not_permitted',
  409: 'state_conflict',
  422: 'invalid_request',
  429: 'rate_limited',
}

/** What the violations are, PSPs say in sentences of their own; these are of the specification. */
const BY_WORDS: [RegExp, RefusalReason][] = [
  [/j[áa] (foi )?utilizad|em uso|j[áa] existe/i, 'duplicate'],
  [/n[ãa]o (est[áa]|encontra-se).{0,20}ativa|encerrad|conclu[íi]da/i, 'state_conflict'],
  [/exced|saldo|limite|maior que o valor/i, 'amount_invalid'],
  [/janela de tempo|prazo|90 dias/i, 'state_conflict'],
]

/** What the API refuses, in our words; the message names every violation. */
export function toRefusal(status: number, body: unknown): Refusal {
  const error = read(ErrorBody, body)
  const told = error.ok ? error.value : {}
  const code = told.type?.split('/').at(-1) || null
  const message = messageOf(told)
  return { reason: reasonOf(status, code ?? '', message ?? ''), code, message }
}

function reasonOf(status: number, type: string, message: string): RefusalReason {
  const general = BY_TYPE[type] ?? ENDINGS.find(([ending]) => ending.test(type))?.[1] ?? BY_STATUS[status]
  if (general !== 'invalid_request') return general ?? (status >= 500 ? 'vendor_unavailable' : 'unknown')
  return BY_WORDS.find(([form]) => form.test(message))?.[1] ?? general
}

const MOST_VIOLATIONS = 5

function messageOf({ title, detail, violacoes }: ErrorBody): string | null {
  const broken = (violacoes ?? [])
    .slice(0, MOST_VIOLATIONS)
    .map(({ propriedade, razao }) => [propriedade, razao].filter(Boolean).join(': '))
  return [detail ?? title, ...broken].filter(Boolean).join('; ').slice(0, 1000) || null
}
