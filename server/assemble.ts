import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as alertJobs from './modules/alerts/jobs.ts'
import * as alertRoutes from './modules/alerts/routes.ts'
import type { App, Routes } from './modules/app.ts'
import { INSTALLATION } from './modules/app.ts'
import * as bankingJobs from './modules/banking/jobs.ts'
import * as bankingRoutes from './modules/banking/routes.ts'
import * as batchJobs from './modules/batches/jobs.ts'
import * as batchRoutes from './modules/batches/routes.ts'
import * as callJobs from './modules/calls/jobs.ts'
import * as callRoutes from './modules/calls/routes.ts'
import * as cardJobs from './modules/cards/jobs.ts'
import * as cardRoutes from './modules/cards/routes.ts'
import { watchConnections } from './modules/connections/connections.ts'
import * as connectionRoutes from './modules/connections/routes.ts'
import { listEventsBetween, prepareNotice, readPayloads } from './modules/events/events.ts'
import * as eventJobs from './modules/events/jobs.ts'
import * as eventRoutes from './modules/events/routes.ts'
import * as healthJobs from './modules/health/jobs.ts'
import * as healthRoutes from './modules/health/routes.ts'
import { receive } from './modules/inbound/inbound.ts'
import * as inboundJobs from './modules/inbound/jobs.ts'
import * as inboundRoutes from './modules/inbound/routes.ts'
import * as liveRoutes from './modules/live/routes.ts'
import * as mappingRoutes from './modules/mappings/routes.ts'
import * as metricJobs from './modules/metrics/jobs.ts'
import { writeCounts } from './modules/metrics/metrics.ts'
import * as metricRoutes from './modules/metrics/routes.ts'
import * as operationRoutes from './modules/operations/routes.ts'
import * as outboundJobs from './modules/outbound/jobs.ts'
import * as outboundRoutes from './modules/outbound/routes.ts'
import * as overviewRoutes from './modules/overview/routes.ts'
import * as paymentJobs from './modules/payments/jobs.ts'
import * as paymentRoutes from './modules/payments/routes.ts'
import * as peopleJobs from './modules/people/jobs.ts'
import * as peopleRoutes from './modules/people/routes.ts'
import * as portalJobs from './modules/portal/jobs.ts'
import * as portalRoutes from './modules/portal/routes.ts'
import { react } from './modules/reactions.ts'
import * as storyRoutes from './modules/stories/routes.ts'
import { describeHits, describeThings } from './modules/stories/stories.ts'
import * as tenantJobs from './modules/tenants/jobs.ts'
import * as tenantRoutes from './modules/tenants/routes.ts'
import * as toolRoutes from './modules/tools/routes.ts'
import * as transferJobs from './modules/transfers/jobs.ts'
import * as transferRoutes from './modules/transfers/routes.ts'
import { systemClock } from './platform/clock.ts'
import { type Config, isDevelopment } from './platform/config.ts'
import { makePartitions, migrate, openDatabase, startEmbedded } from './platform/database/database.ts'
import { createEgress } from './platform/egress/egress.ts'
import { idMaker } from './platform/ids.ts'
import {
  type Handlers,
  keepSchedules,
  type Schedule,
  type Sign,
  startJobs,
  watchJobs,
} from './platform/jobs/jobs.ts'
import { createLog, type Log } from './platform/log.ts'
import type { Loop } from './platform/queue.ts'
import { keepRecords } from './platform/records.ts'
import { openRedis } from './platform/redis/redis.ts'
import { StartError } from './platform/start_error.ts'
import { createTelemetry } from './platform/telemetry.ts'
import { createVault, loadMasterKey } from './platform/vault/vault.ts'
import { providers } from './providers/index.ts'

/** The one place where the house is put together: the App from the settings, its rooms, its workers. */

export const rooms: Routes[] = [
  tenantRoutes.routes,
  peopleRoutes.routes,
  connectionRoutes.routes,
  outboundRoutes.routesFor(listEventsBetween, prepareNotice),
  eventRoutes.routes,
  portalRoutes.routes,
  metricRoutes.routes,
  mappingRoutes.routes,
  operationRoutes.routes,
  callRoutes.routes,
  batchRoutes.routes,
  healthRoutes.routes,
  inboundRoutes.routes,
  paymentRoutes.routes,
  cardRoutes.routes,
  transferRoutes.routes,
  bankingRoutes.routes,
  alertRoutes.routes,
  toolRoutes.routes,
  overviewRoutes.routes,
  liveRoutes.routes,
  storyRoutes.routes,
]

/** The addresses vendors post to, and the verb behind them. */
export const webhooks = { webhooks: inboundRoutes.webhookRoutes, receive }

export type Opened = { app: App; close(): Promise<void> }

/** Opens the cellar: PostgreSQL (ours or yours), migrations, partitions, vault, egress. */
export async function openApp(
  config: Config,
  log: Log = createLog({ level: config.log_level, format: config.log_format }),
): Promise<Opened> {
  const data_dir = resolve(config.data_dir)
  await mkdir(data_dir, { recursive: true }).catch((error: Error) => {
    throw new StartError(
      `The data folder ${data_dir} cannot be written: ${error.message}. Set TRILHO_DATA_DIR.`,
    )
  })
  const undo: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    return { app: await build(config, data_dir, log, undo), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  config: Config,
  data_dir: string,
  log: Log,
  undo: (() => Promise<unknown>)[],
): Promise<App> {
  const clock = systemClock
  const url = config.database_url?.reveal() ?? (await embedded(data_dir, log, undo))
  await migrate(url)
  const master = await loadMasterKey({ ...config, data_dir })
  if (master.from === 'created')
    log.warn({ path: master.path }, 'a master key was made; back it up, without it no secret opens')
  const vault = createVault({ master_key: master.key, previous_master_keys: master.previous, clock })
  const db = await openDatabase({
    url,
    pool_size: config.db_pool_size,
    log,
    sign: vault.master,
  })
  undo.push(() => db.close())
  await makePartitions(db.owner, clock.now(), config.partitions_ahead_days)
  const missing = await vault.missingMasters(db.owner)
  if (missing.length > 0) {
    throw new StartError(
      'The secrets in this database were sealed under another master key. Set TRILHO_MASTER_KEY, or put master.key back; where it was changed on purpose, TRILHO_PREVIOUS_MASTER_KEYS holds the other one.',
    )
  }
  const egress = createEgress({
    allow: config.egress_allow,
    allow_loopback: isDevelopment(config),
    folders: config.file_roots,
  })
  undo.push(() => egress.close())
  const telemetry = createTelemetry({ otlp_endpoint: config.otlp_endpoint, log })
  undo.push(() => telemetry.close())
  const redis =
    config.redis_url && openRedis({ url: config.redis_url.reveal(), log, monotonic: clock.monotonic })
  if (redis) undo.push(() => redis.close())
  const app = {
    config,
    db,
    ...(redis && { redis }),
    vault,
    egress,
    clock,
    log,
    telemetry,
    newId: idMaker(clock),
    providers,
  }
  watchQueues(app)
  callJobs.dropOnEvents(app)
  describeHits(app)
  describeThings(app)
  cardJobs.answerQuestions(app)
  undo.push(() => writeCounts(app))
  return app
}

/** In every process, whatever its roles: what waits must be seen above all where no worker runs. */
function watchQueues(app: App): void {
  inboundJobs.watchInbox(app)
  outboundJobs.watchDeliveries(app)
  callJobs.watchDeferred(app)
  bankingJobs.watchSyncs(app)
  watchJobs(app)
  watchConnections(app)
  callJobs.watchBreakers(app)
}

async function embedded(data_dir: string, log: Log, undo: (() => Promise<unknown>)[]): Promise<string> {
  const postgres = await startEmbedded({ dir: data_dir, log })
  undo.push(() => postgres.stop())
  return postgres.url
}

const RECORDS = { name: 'records.keep', cron: '10 * * * *', time_zone: 'UTC' }

/** What a room has done by the clock; where it has a `sign`, only when there is anything to do. */
type Standing = {
  name: string
  cron: string
  time_zone: string
  run(app: App): Promise<void>
  sign?(app: App): Sign | Promise<Sign>
}

/** Everything that works without being asked: messages, deliveries, jobs, the clock's own orders. */
export async function startWorkers(app: App): Promise<{ stop(): Promise<void> }> {
  const { db, clock, log, telemetry, newId } = app
  const standing: Standing[] = [
    ...tenantJobs.schedules,
    ...peopleJobs.schedules,
    ...metricJobs.schedules,
    ...callJobs.schedules,
    ...paymentJobs.schedules,
    ...cardJobs.schedules,
    ...bankingJobs.schedules,
    ...inboundJobs.schedules,
    ...outboundJobs.schedules,
    ...alertJobs.schedules,
    ...portalJobs.schedules,
    { ...RECORDS, run: keepAllRecords },
  ]
  const handlers: Handlers = new Map([
    ...standing.map(({ name, run }): [string, () => Promise<void>] => [name, () => run(app)]),
    ...outboundJobs.handlers(app, listEventsBetween),
    ...inboundJobs.handlers(app),
    ...callJobs.handlers(app),
    ...healthJobs.handlers(app),
    ...paymentJobs.handlers(app),
    ...cardJobs.handlers(app),
    ...transferJobs.handlers(app),
    ...bankingJobs.handlers(app),
  ])
  const signs = new Map(
    standing.flatMap(({ name, sign }) => (sign ? [[name, () => sign(app)] as const] : [])),
  )
  const schedules: Schedule[] = standing.map(({ name, cron, time_zone }) => ({
    tenant_id: INSTALLATION,
    name,
    cron,
    time_zone,
    kind: name,
  }))
  await keepSchedules(db, clock, schedules)
  const loops: Loop[] = [
    inboundJobs.startInbox(app, react),
    outboundJobs.startDeliveries(
      app,
      (wanted) => readPayloads(app, wanted),
      (notice) => prepareNotice(app, notice),
    ),
    callJobs.startDeferred(app, batchJobs.runTurn),
    bankingJobs.startSyncs(app),
    startJobs({ db, clock, log, telemetry, newId, handlers, signs }),
  ]
  return { stop: async () => void (await Promise.all(loops.map((loop) => loop.stop()))) }
}

const keepAllRecords = (app: App): Promise<void> =>
  keepRecords({ ...app, ahead_days: app.config.partitions_ahead_days }, [
    ...inboundJobs.records(app),
    ...eventJobs.records(app),
    ...outboundJobs.records(app),
    ...callJobs.records(app),
    ...batchJobs.records(app),
  ])
