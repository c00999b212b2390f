import {
  IconActivity,
  IconArrowBarDown,
  IconArrowBarUp,
  IconArrowsExchange,
  IconBuildingBank,
  IconCash,
  IconChartLine,
  IconCreditCard,
  IconPlugConnected,
  IconSettings,
  IconTransferOut,
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
      transfers: 'Transfers',
      cards: 'Cards',
      banks: 'Banks',
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
      transfers: 'Transferências',
      cards: 'Cartões',
      banks: 'Bancos',
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
    { name: 'payments', to: '/payments', Icon: IconCash },
    { name: 'transfers', to: '/transfers', Icon: IconTransferOut },
    { name: 'cards', to: '/cards', Icon: IconCreditCard },
    { name: 'banks', to: '/banks', Icon: IconBuildingBank },
    { name: 'analytics', to: '/analytics', Icon: IconChartLine },
    { name: 'settings', to: '/settings', Icon: IconSettings },
  ],
} as const
