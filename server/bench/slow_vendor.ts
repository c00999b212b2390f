import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { callBody } from './events.ts'
import { serveOrders, settingsOf } from './programs.ts'

/** A vendor that takes its time: answers a kilobyte or so, each after so many milliseconds. Tells how often it was asked. */
export type SlowVendorSettings = { delay_ms: number }

const { delay_ms } = settingsOf<SlowVendorSettings>()
const answer = JSON.stringify(callBody(0))
let asked = 0

const server = createServer((_request, response) => {
  asked += 1
  setTimeout(
    () =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
        .end(answer),
    delay_ms,
  )
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

serveOrders((server.address() as AddressInfo).port, async () => asked)
