import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App, Http } from '../app.ts'
import { type BankRow, isKnownUser, listOwn } from './queries.ts'

/** What the addresses of the published contract have in common: what is wrong is `{"error": …}`. */

export const tags = ['Open Finance']
export const UserParams = Type.Object(
  { user_id: Type.String({ minLength: 1, maxLength: 64 }) },
  { additionalProperties: false },
)

export const Refused = Type.Object({ error: Type.String() })

export const refuse = (reply: FastifyReply, status: number, error: string) =>
  reply.code(status).send({ error })

/** Wrong input is told in words that name the field, all else by a code. */
export function answerPlainly(scope: Http): void {
  scope.setErrorHandler((error, request, reply) => {
    const problem = error instanceof Problem ? error : null
    const { validation, statusCode = 500 } = error as { validation?: unknown; statusCode?: number }
    if (!problem && !validation && statusCode >= 500) throw error
    request.problem = problem
    if (!problem) return refuse(reply, statusCode, (error as Error).message)
    reply.headers(problem.occurrence.headers ?? {})
    const { retry_after_s, detail } = problem.occurrence
    if (retry_after_s !== undefined) reply.header('retry-after', String(retry_after_s))
    const is_input = problem.status === 400 || problem.status === 422
    return is_input ? refuse(reply, 400, detail) : refuse(reply, problem.status, problem.code)
  })
}

/** Null where nothing of this tenant's was ever theirs. */
export const banksOf = (app: App, { tenant_id }: Actor, user_id: string): Promise<BankRow[] | null> =>
  inTenant(app.db, tenant_id, async (tx) =>
    (await isKnownUser(tx, tenant_id, user_id)) ? listOwn(tx, tenant_id, user_id) : null,
  )
