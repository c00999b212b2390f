import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import Type from 'typebox'
import type { App, Http } from '../modules/app.ts'
import { INSTALLATION } from '../modules/app.ts'
import { holds } from '../modules/tenants/tenants.ts'
import { isCovered } from '../platform/database/database.ts'
import { diskOf, diskWarning, isFull } from '../platform/disk.ts'
import { Problem } from '../platform/errors.ts'
import type { Auth } from './auth.ts'

const PATIENCE_MS = 2000

const Check = Type.Object(
  {
    ok: Type.Boolean(),
    detail: Type.String({
      description: 'What is wrong, or soon will be, and what to do; empty where nothing is',
    }),
  },
  { additionalProperties: false },
)
const Readiness = Type.Object(
  {
    ready: Type.Boolean(),
    checks: Type.Object(
      { database: Check, listening: Check, partitions: Check, disk: Check },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)

type Outcome = Type.Static<typeof Check>

/** What probes and scrapers ask: is it alive, can it work, how is it doing. None of it is a tenant's. */
export function healthRoutes(http: Http, app: App, auth: Auth): void {
  const tags = ['Health']
  http.get(
    '/health',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'health',
        tags,
        summary: 'Is the process alive',
        description: 'Answers without asking anything else, the database included. For a liveness probe.',
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  )
  http.get(
    '/ready',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'ready',
        tags,
        summary: 'Can it take work',
        description:
          'The database answers, word of changed configuration arrives, today has its partitions, and the disk has room. For a readiness probe.',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const readiness = await readinessOf(app)
      return reply.code(readiness.ready ? 200 : 503).send(readiness)
    },
  )
  http.get(
    '/metrics',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'metrics',
        produces: ['text/plain'],
        tags,
        summary: 'Prometheus metrics',
        description:
          'Open to a scraper on this machine. From elsewhere, or through a proxy, it takes an admin key or a key of the installation with the scope metrics:read.',
        response: { 200: Type.String({ description: 'Prometheus text format' }) },
      },
    },
    async (request, reply) => {
      if (!isThisMachine(request)) await permitScrape(auth, request)
      return reply
        .type(app.telemetry.content_type)
        .serializer((text: string) => text)
        .send(await app.telemetry.text())
    },
  )
}

/** Through a proxy on this machine everyone comes from loopback, so whoever was forwarded does not count. */
function isThisMachine({ socket, headers }: FastifyRequest): boolean {
  const forwarded =
    headers['x-forwarded-for'] ?? headers['forwarded'] ?? headers['via'] ?? headers['x-real-ip']
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  return forwarded === undefined && (address === '::1' || address.startsWith('127.'))
}

async function permitScrape(auth: Auth, request: FastifyRequest): Promise<void> {
  const actor = await auth.identify(request)
  request.actor = actor
  if (
    actor.tenant_id === INSTALLATION &&
    (actor.scopes.includes('admin') || holds(actor.scopes, 'metrics:read'))
  )
    return
  throw new Problem('forbidden', {
    detail:
      "The metrics are the installation's. Use an admin key, or a key of the installation with the scope metrics:read.",
  })
}

async function readinessOf(app: App): Promise<Type.Static<typeof Readiness>> {
  const [database, partitions] = await Promise.all([
    check(
      sql`select 1`.execute(app.db.app).then(() => true),
      'The database does not answer; see the log.',
    ),
    check(
      isCovered(app.db.app, app.clock.now()),
      'There are no partitions for the present day: the worker that makes them is not running, or a clock is wrong.',
    ),
  ])
  const listening = outcome(
    app.db.listening(),
    'The line that brings word of changes is down; it is being mended.',
  )
  const disk = diskOf(app.config)
  const room = { ok: !isFull(disk), detail: diskWarning(disk) ?? '' }
  const checks = { database, listening, partitions, disk: room }
  return { ready: Object.values(checks).every(({ ok }) => ok), checks }
}

const outcome = (ok: boolean, detail: string): Outcome => ({ ok, detail: ok ? '' : detail })

async function check(asked: Promise<boolean>, detail: string): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  const tired = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, false)
  })
  const ok = await Promise.race([asked.catch(() => false), tired])
  clearTimeout(timer)
  return outcome(ok, detail)
}
