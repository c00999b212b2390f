import net, { type AddressInfo } from 'node:net'
import { partsOf, type Times } from './open_loop.ts'
import { serveOrders } from './programs.ts'

/**
 * The other side of deliveries and calls: answers 200 to whatever comes, on raw sockets, so that it takes little
 * from what is measured. An order sets the count to nothing and is answered when `most` have come.
 */
export type ReceiveOrder = { warm: number; most: number; within_ms: number; timed?: boolean }
/** `after`: of those beyond the warm ones, how long after the time that their `due_ms` names they came. */
export type ReceiveResult = { per_second: number; after: Times }

const ANSWER = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}',
)
let [count, began] = [0, 0]
let goal: { warm: number; most: number; timed: boolean; reached: () => void } | null = null
let after: number[] = []

function received(request: Buffer): void {
  count += 1
  if (goal?.timed && count > goal.warm)
    after.push(performance.timeOrigin + performance.now() - dueOf(request))
  if (count === goal?.warm) began = performance.now()
  if (count === goal?.most) goal.reached()
}

const DUE = '"due_ms":'
const dueOf = (request: Buffer): number =>
  Number.parseFloat(request.toString('latin1', request.indexOf(DUE) + DUE.length).slice(0, 20))

const server = net.createServer({ noDelay: true }, (socket) => {
  let held: Buffer | null = null
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    const request: Buffer = held ? Buffer.concat([held, chunk]) : chunk
    held = null
    const head_end = request.indexOf('\r\n\r\n')
    const length =
      head_end < 0
        ? Number.POSITIVE_INFINITY
        : Number(/\r\ncontent-length: *(\d+)/i.exec(request.toString('latin1', 0, head_end))?.[1] ?? 0)
    if (request.length < head_end + 4 + length) {
      held = request
      return
    }
    received(request)
    socket.write(ANSWER)
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

serveOrders(
  (server.address() as AddressInfo).port,
  ({ warm, most, within_ms, timed = false }: ReceiveOrder) => {
    count = 0
    after = []
    return new Promise<ReceiveResult>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`only ${count} of ${most} came within ${within_ms} ms`)),
        within_ms,
      )
      const reached = () => {
        clearTimeout(late)
        const per_second = ((most - warm) * 1000) / (performance.now() - began)
        resolve({ per_second, after: partsOf(after) })
      }
      goal = { warm, most, timed, reached }
    })
  },
)
