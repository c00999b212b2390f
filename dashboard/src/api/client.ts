import createClient, { type Middleware } from 'openapi-fetch'
import type { Problem, paths } from './schema.ts'

/** The one way to the API: types from its OpenAPI document, the session's cookie, the tenant that is looked at. */
export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' })

type Said = { csrf: string | null; tenant: string | null; environment: 'live' | 'test' | null }

/** What the session says of every request; what is null the server chooses. */
const said: Said = { csrf: null, tenant: null, environment: null }

export function say(headers: Partial<Said>): void {
  Object.assign(said, headers)
}

/** The headers of a request that does not go through `api`, such as a stream. */
export function spokenHeaders(): Record<string, string> {
  return {
    ...(said.csrf !== null && { 'trilho-csrf': said.csrf }),
    ...(said.tenant !== null && { 'trilho-tenant': said.tenant }),
    ...(said.environment !== null && { 'trilho-environment': said.environment }),
  }
}

const headers: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(spokenHeaders())) {
      if (!request.headers.has(name)) request.headers.set(name, value) // a request may be about another tenant
    }
    return request
  },
}
api.use(headers)

/** An answer that is a no, in the server's words. */
export class Refusal extends Error {
  readonly status: number
  readonly problem: Problem | null

  constructor(status: number, problem: Problem | null) {
    super(problem?.detail ?? problem?.title ?? `The server answered ${status}.`)
    this.status = status
    this.problem = problem
  }
}

type Answer<Data> = { data?: Data; error?: unknown; response: Response }

/** The answer's data, or what went wrong, thrown: `await ask(api.GET('/v1/calls/{id}', …))`. */
export async function ask<Data>(answer: Promise<Answer<Data>>): Promise<NonNullable<Data>> {
  const { data, error, response } = await answer
  if (response.ok) return (data ?? null) as NonNullable<Data>
  throw new Refusal(response.status, isProblem(error) ? error : null)
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && 'status' in value

/** One page of a list: `data` and where the next begins. */
export type PageOf<Row> = { data: Row[]; next_cursor: string | null }
