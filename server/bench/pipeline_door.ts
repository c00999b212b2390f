import { callBody } from './events.ts'

/** Something that passes a request on: its port, and the whole request as it wants it. */
export type Door = { name: string; port: number; request: string }

/** What every door is asked: the same kilobyte, with the key that it knows its caller by. */
export function doorRequest(path: string, authorization: string): string {
  const body = JSON.stringify(callBody(0))
  return (
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: ${authorization}\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}
