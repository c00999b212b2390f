import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** The fields we read of what GitHub writes. docs.github.com/en/webhooks/webhook-events-and-payloads */
export const GitHubEvent = Type.Object({
  action: maybe(Type.String()),
  repository: maybe(Type.Object({ full_name: maybe(Type.String()) })),
  organization: maybe(Type.Object({ login: maybe(Type.String()) })),
})
export type GitHubEvent = Static<typeof GitHubEvent>
