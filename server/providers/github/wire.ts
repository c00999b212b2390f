import Type, { type Static } from 'typebox'
import { maybe, WireInteger } from '../../kit/reads.ts'

/** The fields we read of what GitHub writes. docs.github.com/en/webhooks/webhook-events-and-payloads */
export const GitHubEvent = Type.Object({
  action: maybe(Type.String()),
  repository: maybe(Type.Object({ full_name: maybe(Type.String()) })),
  organization: maybe(Type.Object({ login: maybe(Type.String()) })),
})
export type GitHubEvent = Static<typeof GitHubEvent>

/** A webhook as its own API shows it; the secret never. */
export const Hook = Type.Object({ id: WireInteger, config: Type.Object({ url: maybe(Type.String()) }) })
export type Hook = Static<typeof Hook>
