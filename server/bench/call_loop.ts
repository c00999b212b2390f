import pino from 'pino'
import { openApp } from '../assemble.ts'
import type { Actor } from '../modules/app.ts'
import { drainCalls, makeCall } from '../modules/calls/calls.ts'
import { loadConfig } from '../platform/config.ts'
import { createLog } from '../platform/log.ts'
import { callBody } from './events.ts'
import { serveOrders, settingsOf } from './programs.ts'

/** Loops that call through a connection by the verb itself, without the door: recorded, logged, counted. */
export type CallSettings = {
  env: Record<string, string>
  log_file: string
  actor: Actor
  connection: string
  clients: number
}

const { env, log_file, actor, connection, clients } = settingsOf<CallSettings>()
const log = createLog({
  level: 'info',
  // As the product's own.
  destination: pino.destination({
    dest: log_file,
    sync: false,
    minLength: 8_191,
    maxWrite: 8_192,
    periodicFlush: 100,
  }),
})
const { app } = await openApp(loadConfig(env), log)

serveOrders('ready', async ({ count }: { count: number }) => {
  let next = 0
  const loop = async () => {
    while (next < count) {
      await makeCall(app, actor, connection, { method: 'POST', path: '/', body: callBody(next++) })
    }
  }
  await Promise.all(Array.from({ length: clients }, loop))
  await drainCalls(app) // on record, every one: it counts
})
