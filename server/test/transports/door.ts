import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { undoAfter } from '../harness.ts'

/** A port of our own before a real server, which can be closed, kept silent, or broken off at a certain moment. */
export type Door = {
  port: number
  /** Connections that came so far. */
  came: number
  /** What comes is passed on, to the byte. */
  open(): void
  /** Connections are ended as they come, and those there are now. */
  shut(): void
  /** Connections are taken, and nothing is passed on. */
  mute(): void
  /** From now on so many pieces of what the server says pass; the next one is lost with its connection, once. */
  cutAfter(pieces: number): void
  /** Whether that has happened. */
  wasCut(): boolean
}

export async function openDoor(behind: number): Promise<Door> {
  let way: 'open' | 'shut' | 'mute' = 'open'
  let left: number | null = null
  let was_cut = false
  const sockets = new Set<Socket>()
  const end = () => {
    for (const socket of sockets) socket.destroy()
  }
  const keep = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }
  const pass = (client: Socket) => {
    const server = keep(createConnection(behind, '127.0.0.1'))
    const hangUp = () => {
      client.destroy()
      server.destroy()
    }
    client.on('data', (piece) => server.write(piece)).on('close', hangUp)
    server.on('close', hangUp).on('data', (piece) => {
      if (left === null) client.write(piece)
      else if (left-- > 0) client.write(piece)
      else {
        left = null
        was_cut = true
        hangUp()
      }
    })
  }
  const listener = createServer((client) => {
    door.came += 1
    keep(client)
    if (way === 'open') pass(client)
    else if (way === 'shut') client.destroy()
    else client.resume()
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    end()
    listener.close()
  })
  const go = (to: typeof way) => () => {
    way = to
    left = null
    if (to !== 'open') end()
  }
  const door: Door = {
    port: (listener.address() as AddressInfo).port,
    came: 0,
    open: go('open'),
    shut: go('shut'),
    mute: go('mute'),
    cutAfter: (pieces) => {
      left = pieces
      was_cut = false
    },
    wasCut: () => was_cut,
  }
  return door
}
