import { Badge } from '@mantine/core'
import { texts } from '../text/text.ts'

/** Every state there is, with its colour. A state is said in words too: nobody has to tell colours apart. */
const COLORS: Record<string, string> = {
  active: 'teal',
  enabled: 'teal',
  healthy: 'teal',
  closed: 'teal',
  succeeded: 'teal',
  delivered: 'teal',
  completed: 'teal',
  accepted: 'teal',
  ok: 'teal',
  authorized: 'cyan',
  pending: 'blue',
  queued: 'blue',
  started: 'blue',
  running: 'blue',
  processing: 'blue',
  half_open: 'yellow',
  degraded: 'yellow',
  paused: 'yellow',
  warning: 'yellow',
  refused: 'orange',
  quarantined: 'orange',
  parked: 'orange',
  disputed: 'orange',
  unknown: 'gray',
  refunded: 'gray',
  partially_refunded: 'gray',
  ignored: 'gray',
  published: 'gray',
  received: 'gray',
  disabled: 'gray',
  canceled: 'gray',
  cancelled: 'gray',
  expired: 'gray',
  failed: 'red',
  unhealthy: 'red',
  open: 'red',
  error: 'red',
}

const useStates = texts('states', {
  en: {
    active: 'Active',
    enabled: 'Enabled',
    healthy: 'Healthy',
    closed: 'Closed',
    succeeded: 'Succeeded',
    delivered: 'Delivered',
    completed: 'Completed',
    accepted: 'Accepted',
    ok: 'OK',
    authorized: 'Authorized',
    refunded: 'Refunded',
    partially_refunded: 'Partly refunded',
    disputed: 'Disputed',
    pending: 'Pending',
    queued: 'In line',
    started: 'Under way',
    running: 'Running',
    processing: 'Processing',
    half_open: 'Half open',
    degraded: 'Degraded',
    paused: 'Paused',
    warning: 'Warning',
    refused: 'Refused',
    quarantined: 'Quarantined',
    parked: 'Parked',
    unknown: 'Unknown',
    ignored: 'Ignored',
    published: 'Published',
    received: 'Received',
    disabled: 'Disabled',
    canceled: 'Canceled',
    cancelled: 'Cancelled',
    expired: 'Expired',
    failed: 'Failed',
    unhealthy: 'Unhealthy',
    open: 'Open',
    error: 'Error',
  },
  'pt-BR': {
    active: 'Ativo',
    enabled: 'Ativado',
    healthy: 'Saudável',
    closed: 'Fechado',
    succeeded: 'Bem-sucedida',
    delivered: 'Entregue',
    completed: 'Concluído',
    accepted: 'Aceito',
    ok: 'OK',
    authorized: 'Autorizado',
    refunded: 'Reembolsado',
    partially_refunded: 'Reembolsado em parte',
    disputed: 'Contestado',
    pending: 'Pendente',
    queued: 'Na fila',
    started: 'Em andamento',
    running: 'Executando',
    processing: 'Processando',
    half_open: 'Semi-aberto',
    degraded: 'Degradado',
    paused: 'Pausado',
    warning: 'Atenção',
    refused: 'Recusado',
    quarantined: 'Em quarentena',
    parked: 'Estacionado',
    unknown: 'Desconhecido',
    ignored: 'Ignorado',
    published: 'Publicado',
    received: 'Recebido',
    disabled: 'Desativado',
    canceled: 'Cancelada',
    cancelled: 'Cancelado',
    expired: 'Expirado',
    failed: 'Falhou',
    unhealthy: 'Não saudável',
    open: 'Aberto',
    error: 'Erro',
  },
})

export const colorOf = (state: string | null | undefined): string => COLORS[state ?? ''] ?? 'gray'

export function useStateName(): (state: string) => string {
  const say = useStates()
  return (state) => (state in COLORS ? say(state as never) : state)
}

export function State({ of }: { of: string | null | undefined }) {
  const name = useStateName()
  if (!of) return null
  return (
    <Badge variant="light" color={colorOf(of)} tt="none" fw={600} miw="max-content">
      {name(of)}
    </Badge>
  )
}
