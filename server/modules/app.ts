import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Provider } from '../kit/provider.ts'
import type { Clock } from '../platform/clock.ts'
import type { Config } from '../platform/config.ts'
import type { Database } from '../platform/database/database.ts'
import type { Egress } from '../platform/egress/egress.ts'
import type { NewId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Redis } from '../platform/redis/redis.ts'
import type { Telemetry } from '../platform/telemetry.ts'
import type { Vault } from '../platform/vault/vault.ts'

/** What every room is handed. Built once in `main.ts`; there is no other way to reach the cellar. */
export type App = {
  config: Config
  db: Database
  /** Absent where none is configured; whoever uses it gets on without it. */
  redis?: Redis
  vault: Vault
  egress: Egress
  clock: Clock
  log: Log
  telemetry: Telemetry
  newId: NewId
  /** By provider id. Rooms read vendors from here and never import one. */
  providers: ReadonlyMap<string, Provider>
}

/** The tenant that is the installation itself: admin keys and the house's own schedules belong to it. */
export const INSTALLATION = '00000000-0000-0000-0000-000000000000'

/** `id` is on the wire; of a schedule or a job, its name. */
export type Cause = { kind: 'message' | 'batch' | 'call' | 'schedule' | 'job'; id: string }

/** Who asks. `tenant_id` is the only tenant the request may see, whatever ids it carries. */
export type Actor = {
  kind: 'api_key' | 'oauth_client' | 'member' | 'portal' | 'system'
  /** Wire id of the key, client or person, or the name of the job. */
  id: string
  tenant_id: string
  environment: 'live' | 'test'
  scopes: readonly string[]
  ip: string | null
  request_id: string | null
  /** What made it necessary, where that is not who asks. */
  cause?: Cause
  /** Wire id of the call or batch that what is asked belongs to. */
  parent_id?: string
  /** Of who came by a link of the portal: the one customer they act for, and what they may subscribe to (null: anything). */
  portal?: { link_id: string; customer: string; event_types: string[] | null; can_edit: boolean }
}

/**
 * What a route asks of its caller: nothing at all, an administrator, to be a person who signed in, to have come by a
 * link of the portal (that lets them edit), who is let in nowhere else, or a scope such as
 * `connections:write` (`connections:*` and `*` hold it too; `:operate` is held by `:write` as well). A route without an access does not start.
 */
export type Access =
  | 'public'
  | 'admin'
  | 'member'
  | 'portal'
  | 'portal_edit'
  | 'transfers:approve'
  | `${string}:${'read' | 'write' | 'operate'}`

/** The session a person's request came with. */
export type SignedIn = { id: string; person_id: string; expires_at: Date; csrf: string }

export type Http = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** How `http` mounts a room: each `routes.ts` exports one. */
export type Routes = (http: Http, app: App) => void

declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor
    /** Of a person; absent where a key or nobody asks. */
    signed_in?: SignedIn
    /** The body of a JSON request as it came, for what is kept to the byte. */
    bytes: Buffer | null
  }
  interface FastifyContextConfig {
    access?: Access
    /** The route acts on a vendor, whom no rollback reaches: when it fails in the middle, its outcome is unknown. */
    acts_outside?: boolean
    /** Its body may bear the idempotency key too, as `idempotency_key`. */
    keyed_by_body?: boolean
    /** Its body may be of any type and is given to the room to the byte, as a Buffer. */
    takes_bytes?: boolean
    /** The room reads the body itself as it comes: it is not held, and so no Idempotency-Key can be kept. */
    streams?: boolean
  }
}
