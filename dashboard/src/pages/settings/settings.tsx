import { useParams } from 'react-router'
import { useMay, useSession } from '../../api/session.tsx'
import { Page } from '../../parts/page.tsx'
import { PlaceTabs } from '../../parts/place_tabs.tsx'
import { texts } from '../../text/text.ts'
import { Alerts } from '../alerts/alerts.tsx'
import { Account } from './account.tsx'
import { Audit } from './audit.tsx'
import { Clients } from './clients.tsx'
import { Keys } from './keys.tsx'
import { Limits } from './limits.tsx'
import { Members } from './members.tsx'
import { People } from './people.tsx'
import { Secrets } from './secrets.tsx'
import { Tenant } from './tenant.tsx'

const useText = texts('settings', {
  en: {
    title: 'Settings',
    tenant: 'Company',
    members: 'Members',
    people: 'People',
    keys: 'API keys',
    clients: 'OAuth clients',
    secrets: 'Secrets',
    limits: 'Limits',
    alerts: 'Alerts',
    audit: 'Audit log',
    account: 'Your account',
  },
  'pt-BR': {
    title: 'Configurações',
    tenant: 'Empresa',
    members: 'Membros',
    people: 'Pessoas',
    keys: 'Chaves de API',
    clients: 'Clientes OAuth',
    secrets: 'Segredos',
    limits: 'Limites',
    alerts: 'Alertas',
    audit: 'Auditoria',
    account: 'Sua conta',
  },
})

const OF_TENANT = {
  tenant: Tenant,
  members: Members,
  keys: Keys,
  clients: Clients,
  secrets: Secrets,
  limits: Limits,
  alerts: Alerts,
  audit: Audit,
}
const OF_ALL = { ...OF_TENANT, people: People, account: Account }
type Name = keyof typeof OF_ALL

/** What a tab asks for that is no part of the tenant itself. */
const SCOPES: Partial<Record<Name, string>> = { alerts: 'alerts:read', secrets: 'connections:read' }
const isFor = (name: Name, may: (scope: string) => boolean): boolean =>
  name === 'account' || may(SCOPES[name] ?? 'tenants:read')

/** Who may use this tenant and how, and one's own account. */
export function Component() {
  const say = useText()
  const may = useMay()
  const { is_administrator } = useSession()
  const { tab } = useParams()
  const names = (Object.keys(OF_ALL) as Name[]).filter((one) =>
    one === 'people' ? is_administrator : isFor(one, may),
  )
  const name = names.find((one) => one === tab) ?? names[0] ?? 'account'
  const Shown = OF_ALL[name]
  return (
    <Page title={say('title')}>
      <PlaceTabs at="/settings" tabs={names.map((one) => ({ name: one, label: say(one) }))}>
        <Shown />
      </PlaceTabs>
    </Page>
  )
}
