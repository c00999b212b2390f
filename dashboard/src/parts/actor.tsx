import { api, ask } from '../api/client.ts'
import { useRead } from '../api/hooks.ts'
import { useMay, useSession } from '../api/session.tsx'
import { Id } from './id.tsx'

/** People and keys, by the ids that records know them by. */
export function useActors(): ReadonlyMap<string, string> {
  const { member } = useSession()
  const enabled = useMay()('tenants:read')
  const most = { params: { query: { limit: '200' } } }
  const members = useRead(['members', 'names'], () => ask(api.GET('/v1/members', most)), { enabled })
  const keys = useRead(['keys', 'names'], () => ask(api.GET('/v1/keys', most)), { enabled })
  return new Map([
    ...(keys.data?.data ?? []).map(({ id, name }): [string, string] => [id, name]),
    ...(members.data?.data ?? []).flatMap(({ person_id, name }): [string, string][] =>
      person_id && name ? [[person_id, name]] : [],
    ),
    [member.id, member.name],
  ])
}

/** Who it was, by name where that is known. */
export function Actor({ of, names }: { of: string; names: ReadonlyMap<string, string> }) {
  const name = names.get(of)
  return name ? <span title={of}>{name}</span> : <Id of={of} />
}
