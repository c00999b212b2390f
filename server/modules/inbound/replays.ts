import type { Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { createReplay, type Replayed, replayHandler } from '../replays/replays.ts'
import * as queries from './replay_queries.ts'
import { type CreateMessageReplay, toReplay } from './schema_replays.ts'
import { findSource } from './source_queries.ts'

/** Messages taken up again in bulk, by source, type, state and time. */

export const MESSAGES: Replayed<queries.MessageReplayRow> = {
  kind: 'inbox_replay',
  audited_as: 'message_replay',
  job: 'inbound.replay',
  table: queries.messageReplays,
  window: 1_000,
  newTurn: (_app, before) => (before === null ? 0 : before + 1),
  wake: (app) => app.db.notify('trilho_inbox', 'new'),
}

export async function createMessageReplay(app: App, actor: Actor, input: CreateMessageReplay) {
  const filter = readFilter(input)
  const made = await createReplay(app, actor, MESSAGES, input, {
    async count(tx, span) {
      await checkSource(tx, actor.tenant_id, filter.source_id, input.source_id)
      return queries.countToReplay(tx, actor.tenant_id, { ...filter, ...span })
    },
    insert: (tx, row) => queries.insertReplay(tx, { ...filter, ...row }),
  })
  return 'dry_run' in made ? made : toReplay(made)
}

async function checkSource(tx: Tx, tenant_id: string, id: string | null, wire_id: string | undefined) {
  if (id && !(await findSource(tx, tenant_id, id)))
    throw new Problem('not_found', { detail: `there is no source ${wire_id}` })
}

const readFilter = (input: CreateMessageReplay): queries.ReplayFilter => ({
  source_id: input.source_id ? fromWire('source', input.source_id, 'source_id') : null,
  event_type: input.event_type ?? null,
  states: input.states ?? ['failed', 'parked'],
})

/** The jobs of this room's replays, by kind. */
export const handlers = (app: App) => [
  replayHandler(
    app,
    MESSAGES,
    async (tenant_id) => (tx, replay, limit) => queries.replayNext(tx, tenant_id, replay, limit),
  ),
]
