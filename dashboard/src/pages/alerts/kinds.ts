import type { RowOf } from '../../api/types.ts'
import { texts } from '../../text/text.ts'

export type Rule = RowOf<'/v1/alert-rules'>
export type Alert = RowOf<'/v1/alerts'>
export type Kind = Rule['kind']

export type Fields = {
  /** What the threshold is in, and on which side of it something is wrong; absent: nothing is measured. */
  threshold?: { unit: 'percent' | 'ms' | 'minutes' | 'days' | 'count'; wrong: 'below' | 'from'; max: number }
  /** Looked back for so long, or it has to last so long. */
  minutes?: 'window' | 'held'
  least_calls?: boolean
  of_connection?: boolean
}

/** What a rule of each kind says, as docs/alerts.md has it. */
export const FIELDS: Record<Kind, Fields> = {
  success_rate: {
    threshold: { unit: 'percent', wrong: 'below', max: 100 },
    minutes: 'window',
    least_calls: true,
    of_connection: true,
  },
  latency: {
    threshold: { unit: 'ms', wrong: 'from', max: 600_000 },
    minutes: 'window',
    least_calls: true,
    of_connection: true,
  },
  breaker_open: { minutes: 'held', of_connection: true },
  connection_unhealthy: { minutes: 'held', of_connection: true },
  limit_near: { threshold: { unit: 'percent', wrong: 'from', max: 100 }, of_connection: true },
  unknown_outcomes: {
    threshold: { unit: 'count', wrong: 'from', max: 1_000_000 },
    minutes: 'window',
    of_connection: true,
  },
  backlog_age: { threshold: { unit: 'minutes', wrong: 'from', max: 1440 } },
  quarantined: { threshold: { unit: 'count', wrong: 'from', max: 1_000_000 }, minutes: 'window' },
  deliveries_exhausted: { threshold: { unit: 'count', wrong: 'from', max: 1_000_000 }, minutes: 'window' },
  subscription_disabled: { minutes: 'held' },
  credential_expiring: { threshold: { unit: 'days', wrong: 'below', max: 90 } },
  disk_low: { threshold: { unit: 'percent', wrong: 'below', max: 90 } },
}

/** Whose alerts only an administrator of all sees, whatever tenant they look at. */
export const INSTALLATION = { 'Trilho-Tenant': `tnt_${'0'.repeat(26)}` }

/** The headers by which an alert is found. */
export const whereOf = ({ kind }: Pick<Alert, 'kind'>) =>
  kind === 'disk_low' ? { header: INSTALLATION } : {}

/** `disk_low` is the installation's alone. */
export const OFFERED = (Object.keys(FIELDS) as Kind[]).filter((kind) => kind !== 'disk_low')

export const SEVERITIES = ['critical', 'warning', 'info'] as const
export const SEVERITY_COLORS = { critical: 'red', warning: 'orange', info: 'blue' } as const

export const useKinds = texts('alert_kinds', {
  en: {
    success_rate: 'Success rate of a connection',
    latency: 'Slow answers',
    breaker_open: 'Circuit breaker open',
    connection_unhealthy: 'Vendor unhealthy',
    limit_near: 'Limit nearly used up',
    unknown_outcomes: 'Unknown outcomes',
    backlog_age: 'Work that waits',
    quarantined: 'Messages in quarantine',
    deliveries_exhausted: 'Deliveries given up',
    subscription_disabled: 'Subscription disabled',
    credential_expiring: 'Credential expiring',
    disk_low: 'Disk nearly full',
    critical: 'Critical',
    warning: 'Warning',
    info: 'Note',
  },
  'pt-BR': {
    success_rate: 'Taxa de sucesso de uma conexão',
    latency: 'Respostas lentas',
    breaker_open: 'Circuit breaker aberto',
    connection_unhealthy: 'Provedor não saudável',
    limit_near: 'Limite quase esgotado',
    unknown_outcomes: 'Resultados desconhecidos',
    backlog_age: 'Trabalho parado na fila',
    quarantined: 'Mensagens em quarentena',
    deliveries_exhausted: 'Entregas abandonadas',
    subscription_disabled: 'Assinatura desativada',
    credential_expiring: 'Credencial expirando',
    disk_low: 'Disco quase cheio',
    critical: 'Crítico',
    warning: 'Atenção',
    info: 'Aviso',
  },
})
