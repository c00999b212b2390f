import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { messageReader } from './pg_messages.ts'
import type { Passage, Steps } from './steps.ts'

/**
 * Stands between the product and PostgreSQL and counts statements. One step is all a client sends before it waits
 * for the server: a simple Query, or Parse, Bind, Execute up to Sync. It is held back until it is whole, so that trouble
 * `before` it leaves nothing of it; `after` it, the answer came from PostgreSQL and goes no further.
 */
export type Tap = { url: string; close(): Promise<void> }

export async function startProxy(database_url: string, steps: Pick<Steps, 'meet'>): Promise<Tap> {
  const target = new URL(database_url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {}) // the other side of the pair ends with it
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    relay(client, upstream, steps)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(database_url)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return { url: url.href, close }
}

const READY_FOR_QUERY = 'Z'
/** What the client sends at times of its own: passwords and the farewell. */
const ASIDE = new Set(['p', 'X'])

function relay(client: Socket, upstream: Socket, steps: Pick<Steps, 'meet'>): void {
  let group: Buffer[] = []
  let name = ''
  let passage: Passage | null = null

  const readClient = messageReader({ startup: true }, (type, bytes) => {
    if (type === null || ASIDE.has(type)) return void upstream.write(bytes)
    group.push(bytes)
    name ||= nameOf(type, bytes)
    if (type !== 'S' && type !== 'Q') return
    passage = steps.meet(name)
    if (passage.lost) return void upstream.destroy()
    upstream.write(Buffer.concat(group))
    group = []
    name = ''
  })
  const readServer = messageReader({ startup: false }, (type) => {
    if (type !== READY_FOR_QUERY || !passage) return false
    return passage.fails()
  })

  client.on('data', readClient)
  upstream.on('data', (bytes) => {
    if (readServer(bytes)) client.destroy()
    else client.write(bytes)
  })
}

/** The name of a prepared statement, or how a statement begins. */
function nameOf(type: string, bytes: Buffer): string {
  const text = bytes.toString('utf8', 5)
  if (type === 'Q') return inShort(text)
  const [first = '', second = ''] = text.split('\0')
  if (type === 'P') return first || inShort(second)
  return type === 'B' ? second : ''
}

const inShort = (sql: string): string => sql.replaceAll('\0', '').trim().replace(/\s+/g, ' ').slice(0, 60)
