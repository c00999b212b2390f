import {
  IconActivity,
  IconArrowBarDown,
  IconArrowBarUp,
  IconArrowsExchange,
  IconChartLine,
  IconCreditCard,
  IconPlugConnected,
  IconSettings,
} from '@tabler/icons-react'
import { texts } from './text/text.ts'

/** Where one can go, in the order of the menu. */
export const PLACES = {
  useText: texts('places', {
    en: {
      overview: 'Overview',
      connections: 'Connections',
      calls: 'Calls',
      inbound: 'Inbound',
      outbound: 'Outbound',
      payments: 'Payments',
      analytics: 'Analytics',
      settings: 'Settings',
    },
    'pt-BR': {
      overview: 'Visão geral',
      connections: 'Conexões',
      calls: 'Chamadas',
      inbound: 'Entrada',
      outbound: 'Saída',
      payments: 'Pagamentos',
      analytics: 'Análises',
      settings: 'Configurações',
    },
  }),
  list: [
    { name: 'overview', to: '/', Icon: IconActivity },
    { name: 'connections', to: '/connections', Icon: IconPlugConnected },
    { name: 'calls', to: '/calls', Icon: IconArrowsExchange },
    { name: 'inbound', to: '/inbound', Icon: IconArrowBarDown },
    { name: 'outbound', to: '/outbound', Icon: IconArrowBarUp },
    { name: 'payments', to: '/payments', Icon: IconCreditCard },
    { name: 'analytics', to: '/analytics', Icon: IconChartLine },
    { name: 'settings', to: '/settings', Icon: IconSettings },
  ],
} as const
