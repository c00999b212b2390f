import { texts } from '../../text/text.ts'

/** Words that several pages of this place use. */
export const useNames = texts('connection_names', {
  en: {
    connections: 'Connections',
    connection: 'Connection',
    provider: 'Provider',
    new: 'New connection',
    test: 'Test',
    edit: 'Edit',
    pause: 'Pause',
    resume: 'Resume',
    delete: 'Delete',
    acts: 'Actions',
    actions: 'Actions for {{name}}',
    environment: 'Environment',
    development: 'Development',
    staging: 'Staging',
    production: 'Production',
    category: 'Category',
    payments: 'Payments',
    banking: 'Banking',
    messaging: 'Messaging',
    crm: 'CRM',
    workplace: 'Workplace',
    risk: 'Risk',
    storage: 'Storage',
    generic: 'Generic',
    health: 'Health',
    breaker: 'Breaker',
    breaker_closed: 'Breaker closed',
    breaker_open: 'Breaker open',
    breaker_half_open: 'Breaker half open',
    last_seen: 'Last seen',
    credentials: 'Credentials',
    set_at: 'Credentials set',
    requests: 'Requests',
    success: 'Success',
    mean: 'Mean',
    limit: 'Limit',
    paused: '{{name}} is paused: calls are refused until it is resumed.',
    resumed: '{{name}} is active again.',
    deleted: '{{name}} was deleted.',
    delete_question:
      'Delete {{name}} and its credentials? This cannot be undone. Calls made through it stay on record.',
    per_second: 'per second',
    per_minute: 'per minute',
    per_hour: 'per hour',
    per_day: 'per day',
    per_s: 'in {{n}} s',
    no_limit: 'No limit',
    used_of: '{{used}} of {{limit}} {{period}}',
  },
  'pt-BR': {
    connections: 'Conexões',
    connection: 'Conexão',
    provider: 'Provedor',
    new: 'Nova conexão',
    test: 'Testar',
    edit: 'Editar',
    pause: 'Pausar',
    resume: 'Retomar',
    delete: 'Excluir',
    acts: 'Ações',
    actions: 'Ações de {{name}}',
    environment: 'Ambiente',
    development: 'Desenvolvimento',
    staging: 'Homologação',
    production: 'Produção',
    category: 'Categoria',
    payments: 'Pagamentos',
    banking: 'Bancos',
    messaging: 'Mensagens',
    crm: 'CRM',
    workplace: 'Trabalho',
    risk: 'Risco',
    storage: 'Armazenamento',
    generic: 'Genérico',
    health: 'Saúde',
    breaker: 'Disjuntor',
    breaker_closed: 'Disjuntor fechado',
    breaker_open: 'Disjuntor aberto',
    breaker_half_open: 'Disjuntor semiaberto',
    last_seen: 'Vista por último',
    credentials: 'Credenciais',
    set_at: 'Credenciais definidas',
    requests: 'Requisições',
    success: 'Sucesso',
    mean: 'Média',
    limit: 'Limite',
    paused: '{{name}} está pausada: chamadas são recusadas até que seja retomada.',
    resumed: '{{name}} está ativa de novo.',
    deleted: '{{name}} foi excluída.',
    delete_question:
      'Excluir {{name}} e suas credenciais? Não é possível desfazer. As chamadas feitas por ela continuam registradas.',
    per_second: 'por segundo',
    per_minute: 'por minuto',
    per_hour: 'por hora',
    per_day: 'por dia',
    per_s: 'em {{n}} s',
    no_limit: 'Sem limite',
    used_of: '{{used}} de {{limit}} {{period}}',
  },
})

type Names = ReturnType<typeof useNames>

const PERIODS = { 1: 'per_second', 60: 'per_minute', 3600: 'per_hour', 86400: 'per_day' } as const

export const CATEGORIES = [
  'payments',
  'banking',
  'messaging',
  'crm',
  'workplace',
  'risk',
  'storage',
  'generic',
] as const

export const ENVIRONMENTS = ['development', 'staging', 'production'] as const
export type Environment = (typeof ENVIRONMENTS)[number]

/** A category this dashboard has no word for is shown by its own name. */
export const categoryName = (say: Names, category: string): string =>
  CATEGORIES.some((one) => one === category) ? say(category as (typeof CATEGORIES)[number]) : category

export function periodName(say: Names, per_s: number): string {
  const name = PERIODS[per_s as keyof typeof PERIODS]
  return name ? say(name) : say('per_s', { n: per_s })
}
