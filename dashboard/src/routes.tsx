import { createBrowserRouter, type RouteObject } from 'react-router'
import { Frame } from './frame.tsx'
import { Lost } from './pages/lost.tsx'

/** Each page is loaded when somebody goes there; its module exports `Component`. */
const pages: RouteObject[] = [
  { index: true, lazy: () => import('./pages/overview/overview.tsx') },
  { path: 'analytics', lazy: () => import('./pages/analytics/analytics.tsx') },
  {
    path: 'banks',
    lazy: () => import('./pages/banks/place.tsx'),
    children: [
      { index: true, lazy: () => import('./pages/banks/banks.tsx') },
      { path: 'transactions', lazy: () => import('./pages/banks/transactions.tsx') },
    ],
  },
  { path: 'banks/new', lazy: () => import('./pages/banks/new.tsx') },
  { path: 'banks/:id', lazy: () => import('./pages/banks/bank.tsx') },
  { path: 'calls', lazy: () => import('./pages/calls/calls.tsx') },
  { path: 'calls/:id', lazy: () => import('./pages/calls/call.tsx') },
  { path: 'calls/tester', lazy: () => import('./pages/calls/tester.tsx') },
  {
    path: 'cards',
    lazy: () => import('./pages/cards/place.tsx'),
    children: [
      { index: true, lazy: () => import('./pages/cards/cards.tsx') },
      { path: 'rules', lazy: () => import('./pages/cards/rules.tsx') },
    ],
  },
  { path: 'cards/authorizations/:id', lazy: () => import('./pages/cards/authorization.tsx') },
  { path: 'cards/new', lazy: () => import('./pages/cards/issue.tsx') },
  { path: 'cards/rules/new', lazy: () => import('./pages/cards/rule.tsx') },
  { path: 'cards/rules/:id', lazy: () => import('./pages/cards/rule.tsx') },
  { path: 'cards/:id', lazy: () => import('./pages/cards/card.tsx') },
  { path: 'connections', lazy: () => import('./pages/connections/connections.tsx') },
  { path: 'connections/authorized', lazy: () => import('./pages/connections/authorized.tsx') },
  { path: 'connections/catalog', lazy: () => import('./pages/connections/catalog.tsx') },
  { path: 'connections/catalog/:provider', lazy: () => import('./pages/connections/provider.tsx') },
  { path: 'connections/new/:provider', lazy: () => import('./pages/connections/new.tsx') },
  { path: 'connections/:id', lazy: () => import('./pages/connections/connection.tsx') },
  {
    path: 'inbound',
    lazy: () => import('./pages/inbound/place.tsx'),
    children: [
      { index: true, lazy: () => import('./pages/inbound/messages.tsx') },
      { path: 'quarantine', lazy: () => import('./pages/inbound/quarantine.tsx') },
      { path: 'turned_away', lazy: () => import('./pages/inbound/turned_away.tsx') },
      { path: 'replays', lazy: () => import('./pages/inbound/replays.tsx') },
      { path: 'sources', lazy: () => import('./pages/inbound/sources.tsx') },
    ],
  },
  { path: 'inbound/sources/new', lazy: () => import('./pages/inbound/source_edit.tsx') },
  { path: 'inbound/sources/:id', lazy: () => import('./pages/inbound/source.tsx') },
  { path: 'inbound/sources/:id/edit', lazy: () => import('./pages/inbound/source_edit.tsx') },
  {
    path: 'outbound',
    lazy: () => import('./pages/outbound/place.tsx'),
    children: [
      { index: true, lazy: () => import('./pages/outbound/subscriptions.tsx') },
      { path: 'deliveries', lazy: () => import('./pages/outbound/deliveries.tsx') },
      { path: 'events', lazy: () => import('./pages/outbound/events.tsx') },
      { path: 'replays', lazy: () => import('./pages/outbound/replays.tsx') },
      { path: 'types', lazy: () => import('./pages/outbound/types.tsx') },
    ],
  },
  { path: 'outbound/deliveries/:id', lazy: () => import('./pages/outbound/delivery.tsx') },
  { path: 'outbound/subscriptions/new', lazy: () => import('./pages/outbound/subscription_edit.tsx') },
  { path: 'outbound/subscriptions/:id', lazy: () => import('./pages/outbound/subscription.tsx') },
  { path: 'outbound/subscriptions/:id/edit', lazy: () => import('./pages/outbound/subscription_edit.tsx') },
  {
    path: 'payments',
    lazy: () => import('./pages/payments/place.tsx'),
    children: [
      { index: true, lazy: () => import('./pages/payments/payments.tsx') },
      { path: 'disputes', lazy: () => import('./pages/payments/disputes.tsx') },
      { path: 'routes', lazy: () => import('./pages/payments/routes/routes.tsx') },
    ],
  },
  { path: 'payments/new', lazy: () => import('./pages/payments/new.tsx') },
  { path: 'payments/routes/new', lazy: () => import('./pages/payments/routes/route.tsx') },
  { path: 'payments/routes/:id', lazy: () => import('./pages/payments/routes/route.tsx') },
  { path: 'payments/:id', lazy: () => import('./pages/payments/payment.tsx') },
  { path: 'settings', lazy: () => import('./pages/settings/settings.tsx') },
  { path: 'settings/:tab', lazy: () => import('./pages/settings/settings.tsx') },
  { path: 'story/:id', lazy: () => import('./pages/story/story.tsx') },
  { path: 'transfers', lazy: () => import('./pages/transfers/transfers.tsx') },
  { path: 'transfers/new', lazy: () => import('./pages/transfers/new.tsx') },
  { path: 'transfers/:id', lazy: () => import('./pages/transfers/transfer.tsx') },
]

export const router = createBrowserRouter([
  {
    Component: Frame,
    ErrorBoundary: Lost,
    HydrateFallback: () => null,
    children: [...pages, { path: '*', Component: Lost }],
  },
])
