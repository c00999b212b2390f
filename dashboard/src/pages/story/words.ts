import { texts } from '../../text/text.ts'
import { spell } from './time.ts'
import type { Step } from './told.ts'

const useText = texts('story_words', {
  en: {
    refused: 'Refused webhook',
    received: 'Webhook',
    processed: 'Processed',
    event: 'Event',
    delivery: 'Delivery',
    attempt: 'Attempt {{n}}',
    call: 'Call',
    call_attempt: 'Attempt {{n}}',
    batch: 'Batch',
    verified: 'Verified by {{scheme}}',
    with_secret: 'with secret {{place}} of {{count}}',
    and_token: 'and an access token',
    on_release: 'on its release',
    about: 'About {{id}}',
    late: 'came after a later one',
    gap: 'one before it did not come in time',
    changed: 'its id came before with another body',
    replayed: 'replayed',
    skipped: 'skipped',
    erased: 'its body was erased',
    took: 'took {{time}}',
    waited_line: 'waited {{time}} in line',
    waited_turn: 'waited {{time}} for its turn',
    waited_retry: '{{time}} after the attempt before',
  },
  'pt-BR': {
    refused: 'Webhook recusado',
    received: 'Webhook',
    processed: 'Processamento',
    event: 'Evento',
    delivery: 'Entrega',
    attempt: 'Tentativa {{n}}',
    call: 'Chamada',
    call_attempt: 'Tentativa {{n}}',
    batch: 'Lote',
    verified: 'Verificado por {{scheme}}',
    with_secret: 'com o segredo {{place}} de {{count}}',
    and_token: 'e um token de acesso',
    on_release: 'na liberação',
    about: 'Sobre {{id}}',
    late: 'chegou depois de uma posterior',
    gap: 'uma anterior não chegou a tempo',
    changed: 'seu id já veio com outro corpo',
    replayed: 'repetida',
    skipped: 'pulada',
    erased: 'seu corpo foi apagado',
    took: 'levou {{time}}',
    waited_line: 'esperou {{time}} na fila',
    waited_turn: 'esperou {{time}} pela sua vez',
    waited_retry: '{{time}} depois da tentativa anterior',
  },
})

const KINDS = [
  'refused',
  'received',
  'processed',
  'event',
  'delivery',
  'attempt',
  'call',
  'call_attempt',
  'batch',
] as const
const FLAGS = ['late', 'gap', 'changed', 'replayed', 'skipped', 'erased'] as const

const among = <Word extends string>(words: readonly Word[], text: string): Word | undefined =>
  words.find((word) => word === text)

type Say = ReturnType<typeof useText>

/** Shorter waits are no news. */
const LEAST_WAIT_MS = 5

/** What the server tells in its few fixed words, in those of whoever reads. */
export function useSpoken() {
  const say = useText()
  return {
    kind: ({ kind, attempt }: Step): string => {
      const known = among(KINDS, kind)
      return known ? say(known, { n: attempt ?? 1 }) : kind
    },
    title: (title: string): string => title.replace(/^(\S+) to /, '$1 → '),
    detail: (step: Step): string | null => detailOf(say, step),
    spent: ({ kind, attempt, duration_ms, waited_ms }: Step): string => {
      const waits = (attempt ?? 1) > 1 ? 'waited_retry' : kind === 'processed' ? 'waited_turn' : 'waited_line'
      const parts = [
        ...((waited_ms ?? 0) >= LEAST_WAIT_MS ? [say(waits, { time: spell(waited_ms ?? 0) })] : []),
        ...(duration_ms === null ? [] : [say('took', { time: spell(duration_ms) })]),
      ]
      return parts.join(' · ')
    },
  }
}

function detailOf(say: Say, { kind, detail }: Step): string | null {
  if (detail === null) return null
  if (kind === 'event') return detail.startsWith('about ') ? say('about', { id: detail.slice(6) }) : detail
  if (kind !== 'received') return detail
  const parts = detail.split(', ').map((part) => {
    const flag = among(FLAGS, part)
    return verifiedIn(say, part) ?? (flag ? say(flag) : part)
  })
  return parts.join(' · ')
}

const VERIFIED =
  /^verified by (?<scheme>\w+)( with secret (?<place>\d+) of (?<count>\d+))?(?<token> and an access token)?(?<late> on its release)?$/

function verifiedIn(say: Say, part: string): string | null {
  const { scheme, place, count, token, late } = VERIFIED.exec(part)?.groups ?? {}
  if (scheme === undefined) return null
  return [
    say('verified', { scheme }),
    ...(place && count ? [say('with_secret', { place, count })] : []),
    ...(token ? [say('and_token')] : []),
    ...(late ? [say('on_release')] : []),
  ].join(' ')
}
