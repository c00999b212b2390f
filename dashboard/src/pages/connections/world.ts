import { useMay, useSession } from '../../api/session.tsx'
import { ENVIRONMENTS, type Environment } from './names.ts'

const worldOf = (environment: Environment) => (environment === 'production' ? 'live' : 'test')

/** The environments whose connections the session may change, as live or test is chosen at the top of the page. */
export function useEnvironments(): Environment[] {
  const { scopes, environment } = useSession()
  return ENVIRONMENTS.filter((one) => scopes.includes('admin') || worldOf(one) === environment)
}

/** What a new connection is of, unless somebody says otherwise. */
export const useUsualEnvironment = (): Environment =>
  useSession().environment === 'live' ? 'production' : 'development'

/** What one may do with a connection: its scope, and that it is of the world that is looked at. */
export function useRights(of: { environment: Environment }) {
  const may = useMay()
  const is_ours = useEnvironments().includes(of.environment)
  return { is_ours, write: is_ours && may('connections:write'), call: is_ours && may('calls:write') }
}
