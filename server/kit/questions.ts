import type { AuthorizationQuestion } from './card_news.ts'
import { type Received, readWhole } from './messages.ts'
import type { Provider } from './provider.ts'
import { translated } from './reads.ts'

/** What a stored message asks us to decide while its sender waits; null where it asks nothing. Never throws. */
export function questionOf({ webhooks }: Provider, received: Received): AuthorizationQuestion | null {
  if (!webhooks?.decides) return null
  const { decides } = webhooks
  const whole = readWhole(webhooks, received)
  if (!whole.ok) return null
  const question = translated(() => decides.question(whole.event, whole.message))
  return question.ok ? question.value : null
}
