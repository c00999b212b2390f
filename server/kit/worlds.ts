import type { FieldError } from '../platform/errors.ts'
import type { Credentials, Settings } from './fields.ts'
import type { Provider } from './provider.ts'

/**
 * Test and live are apart at the vendor too. Where a value says which world it belongs to, as `sk_test_…` does, or is
 * the vendor's own address of the other one, it is not taken for this one.
 */
export type World = 'live' | 'test'

const OTHER = { live: 'test', test: 'live' } as const

/** What of a connection's settings and credentials belongs to the other world. */
export function worldFaults(
  provider: Provider,
  world: World,
  settings: Settings,
  credentials: Credentials,
): FieldError[] {
  const other = OTHER[world]
  const values: Record<string, unknown> = { ...settings, ...credentials }
  const foreign = provider.fields
    .filter(
      ({ key, worlds }) => worlds && new RegExp(`^(?:${worlds[other]})$`).test(String(values[key] ?? '')),
    )
    .map(({ key, secret }) => `${secret ? 'credentials' : 'settings'}.${key}`)
  if (isAddressOf(provider, other, world, settings)) foreign.push('settings.base_url')
  return foreign.map((field) => ({
    field,
    reason: `is of the vendor's ${other} world, and this is a ${world === 'live' ? 'production' : 'test'} connection`,
  }))
}

function isAddressOf(
  { base_url }: Provider,
  other: World,
  world: World,
  { base_url: own }: Settings,
): boolean {
  if (base_url === undefined || typeof own !== 'string' || !URL.canParse(own)) return false
  const originOf = (url: string) => new URL(url).origin
  const [theirs, ours] = [originOf(base_url[other]), originOf(base_url[world])]
  return theirs !== ours && originOf(own) === theirs
}
