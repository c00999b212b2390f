/** Something that takes an event by HTTP and sends it on. */
export type Sender = {
  name: string
  port: number
  /** One whole HTTP request that publishes one event, the same each time. */
  request: string
  /** Waits until so many attempts are on record, all told; an error where there are more. */
  recorded(count: number): Promise<void>
}

export function publishRequest(path: string, key: string, body: object): string {
  const text = JSON.stringify(body)
  return (
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  )
}
