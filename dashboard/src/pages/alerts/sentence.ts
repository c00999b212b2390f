import { duration, number } from '../../parts/figures.ts'
import { texts } from '../../text/text.ts'
import type { Alert } from './kinds.ts'

const useText = texts('alert_sentences', {
  en: {
    success_rate:
      '{{name}}: {{value}} % of its calls succeeded in {{minutes}} min, fewer than {{threshold}} %',
    latency: '{{name}}: P95 of its calls is {{value}}, {{threshold}} or more',
    breaker_open: '{{name}}: the circuit breaker is open',
    connection_unhealthy: '{{name}}: the vendor is unhealthy',
    limit_near: '{{name}}: {{value}} % of a limit is used',
    unknown_outcomes: '{{name}}: calls whose outcome nobody saw in {{minutes}} min: {{value}}',
    backlog_age: 'Received messages wait for {{value}} min',
    backlog_age_out: 'Deliveries wait for {{value}} min',
    quarantined: 'Messages turned away to the quarantine in {{minutes}} min: {{value}}',
    deliveries_exhausted: 'Deliveries given up in {{minutes}} min: {{value}}',
    subscription_disabled: '{{name}}: the subscription was disabled',
    credential_expiring: '{{name}}: expires in {{value}} days',
    credential_expired: '{{name}}: has expired',
    disk_low: '{{value}} % of the server’s disk is left',
    all: 'All connections',
  },
  'pt-BR': {
    success_rate:
      '{{name}}: {{value}} % das chamadas deram certo em {{minutes}} min, menos que {{threshold}} %',
    latency: '{{name}}: o P95 das chamadas é {{value}}, {{threshold}} ou mais',
    breaker_open: '{{name}}: o circuit breaker está aberto',
    connection_unhealthy: '{{name}}: o provedor não está saudável',
    limit_near: '{{name}}: {{value}} % de um limite já foi usado',
    unknown_outcomes: '{{name}}: chamadas com resultado desconhecido em {{minutes}} min: {{value}}',
    backlog_age: 'Mensagens recebidas esperam há {{value}} min',
    backlog_age_out: 'Entregas esperam há {{value}} min',
    quarantined: 'Mensagens que foram para a quarentena em {{minutes}} min: {{value}}',
    deliveries_exhausted: 'Entregas abandonadas em {{minutes}} min: {{value}}',
    subscription_disabled: '{{name}}: a assinatura foi desativada',
    credential_expiring: '{{name}}: expira em {{value}} dias',
    credential_expired: '{{name}}: expirou',
    disk_low: 'Resta {{value}} % do disco do servidor',
    all: 'Todas as conexões',
  },
})

type Said = Pick<Alert, 'kind' | 'subject' | 'subject_name' | 'value' | 'threshold' | 'minutes'>

/** What an alert says, in the language that is spoken. */
export function useSentence(): (of: Said) => string {
  const say = useText()
  return ({ kind, subject, subject_name, value, threshold, minutes }) =>
    say(keyOf({ kind, subject, value }), {
      name: subject_name ?? subject ?? say('all'),
      value: kind === 'latency' ? duration(value) : number(value, Number.isInteger(value) ? 0 : 1),
      threshold: kind === 'latency' ? duration(threshold) : number(threshold),
      minutes: minutes ?? 0,
    })
}

function keyOf({ kind, subject, value }: Pick<Said, 'kind' | 'subject' | 'value'>) {
  if (kind === 'backlog_age' && subject === 'outbound') return 'backlog_age_out'
  return kind === 'credential_expiring' && value < 0 ? 'credential_expired' : kind
}

/** Where the thing is looked at that an alert is about. */
export function placeOf({ kind, subject }: Pick<Alert, 'kind' | 'subject'>): string {
  switch (kind) {
    case 'success_rate':
      return `/calls?connection_id=${subject}&state=failed`
    case 'unknown_outcomes':
      return `/calls?connection_id=${subject}&state=unknown`
    case 'latency':
      return `/connections/${subject}`
    case 'breaker_open':
      return `/connections/${subject}?tab=breaker`
    case 'connection_unhealthy':
      return `/connections/${subject}?tab=health`
    case 'limit_near':
      return subject ? `/connections/${subject}?tab=limits` : '/settings/limits'
    case 'backlog_age':
      return subject === 'inbound' ? '/inbound?state=pending&range=30d' : '/outbound/deliveries?state=pending'
    case 'quarantined':
      return '/inbound/quarantine'
    case 'deliveries_exhausted':
      return '/outbound/deliveries?state=failed'
    case 'subscription_disabled':
      return `/outbound/subscriptions/${subject}`
    case 'credential_expiring':
      return subject?.startsWith('con_') ? `/connections/${subject}?tab=credentials` : '/settings/keys'
    case 'disk_low':
      return '/settings/alerts'
  }
}
