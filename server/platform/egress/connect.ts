import type { Connector } from './connector.ts'
import type { Connected } from './egress.ts'
import { failure } from './failures.ts'

/** A bare socket by the same guarded way as every request. One that comes after its time is ended. */
export function connect(
  connector: Connector,
  { host, port, timeout_ms }: { host: string; port: number; timeout_ms: number },
): Promise<Connected> {
  return new Promise((resolve) => {
    let settled = false
    const settle = (connected: Connected) => {
      settled = true
      clearTimeout(deadline)
      resolve(connected)
    }
    const fail = ({ failure: code, message }: ReturnType<typeof failure>) =>
      settle({ kind: 'error', code, message })
    const words = `no connection to ${host}:${port} within ${timeout_ms} ms`
    const deadline = setTimeout(() => fail(failure('timeout', words)), timeout_ms)
    const target = { protocol: 'http:', hostname: host, host: `${host}:${port}`, port: String(port) }
    connector.open(target, (failed, socket) => {
      if (settled) socket?.destroy()
      else if (socket) settle({ kind: 'socket', socket })
      else fail(failed ?? failure('connect', `no connection to ${host}:${port}`))
    })
  })
}
