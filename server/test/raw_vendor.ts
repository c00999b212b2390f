import net, { type AddressInfo, type Socket } from 'node:net'
import { undoAfter } from './harness.ts'

/** A vendor on a raw socket, which may answer as no HTTP server would. */
export type RawVendor = {
  url: string
  /** Each request as it came, headers and body. */
  asked: string[]
  /** Sockets that the other side has closed. */
  hung_up: number
}

/** `answer` is called once for each request that is there to its last byte. */
export async function openRawVendor(
  answer: (socket: Socket, nth: number, request: string) => void,
): Promise<RawVendor> {
  const vendor: RawVendor = { url: '', asked: [], hung_up: 0 }
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    let held = ''
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      vendor.hung_up += 1
    })
    socket.on('data', (chunk) => {
      held += chunk
      const end = held.indexOf('\r\n\r\n')
      const length = Number(/content-length: *(\d+)/i.exec(held)?.[1] ?? 0)
      if (end < 0 || held.length < end + 4 + length) return
      vendor.asked.push(held)
      const request = held
      held = ''
      answer(socket, vendor.asked.length, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

export const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'
export const DOWN =
  'HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
