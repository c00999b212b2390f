import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openApp, rooms, startWorkers, webhooks } from './assemble.ts'
import { makeDemo } from './demo.ts'
import { createHttp, listenTls } from './http/http.ts'
import type { App } from './modules/app.ts'
import { drainCalls } from './modules/calls/calls.ts'
import { sandboxAt } from './modules/inbound/inbound.ts'
import { firstLink } from './modules/people/people.ts'
import { ensureAdminKey } from './modules/tenants/tenants.ts'
import { type Config, isDevelopment } from './platform/config.ts'
import { isConnectionLoss } from './platform/database/database.ts'
import type { Log } from './platform/log.ts'
import { StartError } from './platform/start_error.ts'
import { createVendors, mountVendors } from './sandbox/sandbox.ts'

export type Running = {
  app: App
  url: string
  /** Of webhooks by senders who show a certificate; null where there is none. */
  tls_port: number | null
  /** Made on this start and shown this once. */
  admin_key: string | null
  /** What to tell whoever started it: addresses, and keys that are shown this once. */
  notes: string[]
  stop(): Promise<void>
}

/** Starts the roles the settings name, in this process. Throws `StartError` with one line for people. */
export async function start(config: Config, log?: Log): Promise<Running> {
  try {
    return await begin(config, log)
  } catch (error) {
    if (error instanceof StartError || !isConnectionLoss(error)) throw error
    const { message } = error as Error
    throw new StartError(`PostgreSQL cannot be reached: it went away during the start (${message}).`)
  }
}

async function begin(config: Config, log: Log | undefined): Promise<Running> {
  const { app, close } = await openApp(config, log)
  const undo: (() => Promise<unknown>)[] = [close]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const admin_key = await ensureAdminKey(app)
    undo.push(() => drainCalls(app))
    const http = await createHttp(app, {
      rooms: serves(app, 'api') ? rooms : [],
      ...(serves(app, 'ingest') && webhooks),
    })
    undo.push(async () => {
      // A request that was never sent to its end would be waited for as long as a connection is kept.
      const cut = setTimeout(() => http.server.closeAllConnections(), config.shutdown_grace_ms)
      // What was in hand when the close began leaves a connection that is kept alive, and nobody closes it.
      const sweep = setInterval(() => http.server.closeIdleConnections(), 50)
      await http.close()
      clearInterval(sweep)
      clearTimeout(cut)
    })
    const url = await listen(http, app)
    const tls = serves(app, 'ingest') ? await listenTls(http, app) : null
    if (tls) undo.push(() => tls.stop())
    const workers = serves(app, 'worker') ? await startWorkers(app) : null
    if (workers)
      undo.push(() => Promise.race([workers.stop(), sleep(config.shutdown_grace_ms, null, { ref: false })]))
    const sandbox_url =
      config.sandbox && isDevelopment(config) && serves(app, 'api') ? `${url}/sandbox` : null
    if (sandbox_url) {
      const vendors = createVendors(app.log)
      mountVendors(http.server, '/sandbox', vendors)
      undo.push(() => vendors.close())
      sandboxAt(app, sandbox_url)
    }
    const dashboard = await toDashboard(app, url)
    const demo = sandbox_url && config.demo ? await makeDemo(app, sandbox_url) : []
    const tls_port = tls?.port ?? null
    return {
      app,
      url,
      tls_port,
      admin_key,
      notes: [...toNotes(url, dashboard, admin_key, sandbox_url), ...demo],
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const serves = (app: App, role: 'api' | 'ingest' | 'worker') => app.config.roles.includes(role)

async function listen(http: Awaited<ReturnType<typeof createHttp>>, app: App): Promise<string> {
  const { host, port } = app.config
  await http.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(
      error.code === 'EADDRINUSE'
        ? `Port ${port} on ${host} is in use. Stop what holds it, or set TRILHO_PORT to another one.`
        : `${host}:${port} cannot be listened on: ${error.message}. Set TRILHO_HOST and TRILHO_PORT.`,
    )
  })
  const { port: bound } = http.server.address() as AddressInfo
  app.config.port = bound // 0 asks for any free one; addresses we print name the one we got
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
}

function toNotes(
  url: string,
  dashboard: string[],
  admin_key: string | null,
  sandbox_url: string | null,
): string[] {
  return [
    `Trilho is ready at ${url}`,
    ...dashboard,
    `API reference      ${url}/docs`,
    ...(sandbox_url ? [`Sandbox            ${sandbox_url}`] : []),
    ...(admin_key ? [`Admin key          ${admin_key}   (shown this once)`] : []),
  ]
}

/** While nobody administers the installation, by a link that signs up who does. */
async function toDashboard(app: App, url: string): Promise<string[]> {
  if (!serves(app, 'api')) return []
  const link = await firstLink(app)
  return [`Dashboard          ${link === null ? url : `${link}   (sign up here; once, within a day)`}`]
}
