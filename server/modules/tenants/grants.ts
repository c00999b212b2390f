import { Problem } from '../../platform/errors.ts'
import { type Actor, INSTALLATION } from '../app.ts'
import { holds, INSTALLATION_SCOPES, SCOPES } from './scopes.ts'

/** A key for test alone. A person looks at test or live as they please and answers for both. */
export const isTestKey = ({ kind, environment }: Actor): boolean =>
  kind !== 'member' && environment === 'test'

/** Nobody hands out what they do not hold, test does not make live, and one tenant does not make all. */
export function checkGrant(actor: Actor, environment: 'live' | 'test', scopes: readonly string[]): void {
  for (const scope of scopes) checkScope(actor, scope)
  if (isTestKey(actor) && environment === 'live') {
    throw new Problem('forbidden', {
      field: 'environment',
      detail: 'A test key makes test keys only. Use a live key.',
    })
  }
}

function checkScope(actor: Actor, scope: string): void {
  if (!SCOPES.includes(scope)) {
    const detail = `There is no scope ${scope.slice(0, 50)}. The scopes are ${SCOPES.join(', ')}.`
    throw new Problem('invalid_request', { field: 'scopes', detail })
  }
  if (INSTALLATION_SCOPES.includes(scope) !== (actor.tenant_id === INSTALLATION)) throw misplaced(scope)
  if (!holds(actor.scopes, scope)) {
    const detail = `You do not hold ${scope}, so you cannot hand it out. Ask for less, or use a key that holds it.`
    throw new Problem('forbidden', { field: 'scopes', detail })
  }
}

const misplaced = (scope: string): Problem =>
  new Problem('invalid_request', {
    field: 'scopes',
    detail: INSTALLATION_SCOPES.includes(scope)
      ? `${scope} is for keys of the installation, tenant tnt_${'0'.repeat(26)}. Name that tenant in trilho-tenant.`
      : `${scope} is for keys of a tenant. Name the tenant in trilho-tenant.`,
  })
