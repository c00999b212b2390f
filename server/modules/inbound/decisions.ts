import type { AuthorizationQuestion, Verdict } from '../../kit/card_news.ts'
import type { Received } from '../../kit/messages.ts'
import type { WebhookReply } from '../../kit/provider.ts'
import { questionOf } from '../../kit/questions.ts'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { Options } from './options.ts'
import type { ActiveSource } from './sources.ts'

/** Messages whose sender waits for a decision, and is answered by it. They are stored before, as all are. */

/** `began` and `deadline` by the clock that never jumps. */
export type Asked = {
  tenant_id: string
  provider: string
  connection_id: string | null
  /** Wire id. */
  message_id: string
  question: AuthorizationQuestion
  policy: Pick<Options['decisions'], 'undecided' | 'unknown_card'>
  began: number
  deadline: number
}

export type Decide = (asked: Asked) => Promise<Verdict>

const deciders = once((_app: App): { decide: Decide | null } => ({ decide: null }))

/** The room that decides stands above this one and is handed in. */
export const decideBy = (app: App, decide: Decide): void => {
  deciders(app).decide = decide
}

/** Null where nothing is asked. A copy is asked again, since whoever sent it waits again. */
export async function answerQuestion(
  app: App,
  source: ActiveSource,
  { headers, body, whole }: Pick<Received, 'headers' | 'body' | 'whole'>,
  message_id: string,
  began: number,
): Promise<WebhookReply | null> {
  const { provider, settings, options, tenant_id, connection_id } = source
  const decides = provider.webhooks?.decides
  const question = decides ? questionOf(provider, { headers, body, settings, whole }) : null
  const { decide } = deciders(app)
  if (!decides || !question || !decide) return null
  const { within_ms, ...policy } = options.decisions
  const deadline = began + within_ms
  const asked = {
    tenant_id,
    provider: provider.id,
    connection_id,
    message_id,
    question,
    policy,
    began,
    deadline,
  }
  return decides.answer(await decide(asked))
}
