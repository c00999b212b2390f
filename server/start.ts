import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openApp, rooms, startWorkers, webhooks } from './assemble.ts'
import { makeDemo } from './demo.ts'
import { createHttp } from './http/http.ts'
import type { App } from './modules/app.ts'
import { drainCalls } from './modules/calls/calls.ts'
import { ensureAdminKey } from './modules/tenants/tenants.ts'
import type { Config } from './platform/config.ts'
import type { Log } from './platform/log.ts'
import { StartError } from './platform/start_error.ts'
import { type Sandbox, startSandbox } from './sandbox/sandbox.ts'

export type Running = {
  app: App
  url: string
  /** Made on this start and shown this once. */
  admin_key: string | null
  /** What to tell whoever started it: addresses, and keys that are shown this once. */
  notes: string[]
  stop(): Promise<void>
}

/** Starts the roles the settings name, in this process. Throws `StartError` with one line for people. */
export async function start(config: Config, log?: Log): Promise<Running> {
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
      ...(serves(app, 'ingest') && { webhooks }),
    })
    undo.push(() => http.close())
    const url = await listen(http, app)
    const workers = serves(app, 'worker') ? await startWorkers(app) : null
    if (workers)
      undo.push(() => Promise.race([workers.stop(), sleep(config.shutdown_grace_ms, null, { ref: false })]))
    const sandbox = config.sandbox && serves(app, 'api') ? await openSandbox(config) : null
    if (sandbox) undo.push(() => sandbox.stop())
    const demo = sandbox && config.demo ? await makeDemo(app, sandbox.url) : []
    return { app, url, admin_key, notes: [...toNotes(url, admin_key, sandbox), ...demo], stop }
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

async function openSandbox(config: Config): Promise<Sandbox> {
  return startSandbox({ port: config.sandbox_port }).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(
      `The sandbox cannot listen on port ${config.sandbox_port}: ${error.message}. Set TRILHO_SANDBOX_PORT to another one, or TRILHO_SANDBOX=false.`,
    )
  })
}

function toNotes(url: string, admin_key: string | null, sandbox: Sandbox | null): string[] {
  return [
    `Trilho is ready at ${url}`,
    `API reference      ${url}/docs`,
    ...(sandbox ? [`Sandbox            ${sandbox.url}`] : []),
    ...(admin_key ? [`Admin key          ${admin_key}   (shown this once)`] : []),
  ]
}
