import type { Provider } from '../kit/provider.ts'
import { http } from './http/provider.ts'
import { stripe } from './stripe/provider.ts'

/** Every vendor there is. One line here, one folder beside. */
export const providers: ReadonlyMap<string, Provider> = new Map(
  [http, stripe].map((provider) => [provider.id, provider]),
)
