import type { Provider } from '../kit/provider.ts'
import { github } from './github/provider.ts'
import { http } from './http/provider.ts'
import { slack } from './slack/provider.ts'
import { stripe } from './stripe/provider.ts'
import { twilio } from './twilio/provider.ts'
import { whatsapp } from './whatsapp/provider.ts'

/** Every vendor there is. One line here, one folder beside. */
export const providers: ReadonlyMap<string, Provider> = new Map(
  [http, github, slack, stripe, twilio, whatsapp].map((provider) => [provider.id, provider]),
)
