import { isUtf8 } from 'node:buffer'

/** `multipart/form-data`, RFC 7578, as far as webhooks use it. Bounded in parts, and never throws. */

const MOST_PARTS = 1000

type Part = { name: string; filename: string | null; content_type: string | null; body: Buffer }

/**
 * The parts as a JSON object: fields as text, files as `{filename, content_type, size}` with `text` where they are
 * text; what comes several times is a list. A field `json_in` that holds JSON stands for the whole.
 */
export function partsAsJson(body: Buffer, boundary: string, json_in: string | null): string {
  const parts = readParts(body, boundary)
  const payload = parts.find(({ name, filename }) => name === json_in && filename === null)
  if (payload) return payload.body.toString()
  const values = new Map<string, unknown[]>()
  for (const part of parts) values.set(part.name, [...(values.get(part.name) ?? []), toValue(part)])
  return JSON.stringify(
    Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all])),
  )
}

function toValue({ filename, content_type, body }: Part): unknown {
  if (filename === null) return body.toString()
  const text = isUtf8(body) ? { text: body.toString() } : {}
  return { filename, content_type, size: body.length, ...text }
}

function readParts(body: Buffer, boundary: string): Part[] {
  const parts: Part[] = []
  const mark = Buffer.from(`\r\n--${boundary}`)
  let at = body.indexOf(`--${boundary}`)
  if (at !== 0 && body.subarray(Math.max(0, at - 2), at).toString() !== '\r\n') return parts
  at += mark.length - 2
  while (parts.length < MOST_PARTS && body.subarray(at, at + 2).toString() !== '--') {
    const start = body.indexOf('\r\n', at) + 2
    const end = body.indexOf(mark, start - 2)
    if (start < 2 || end < 0) return parts
    const part = readPart(body.subarray(start, Math.max(start, end)))
    if (part) parts.push(part)
    at = end + mark.length
  }
  return parts
}

function readPart(bytes: Buffer): Part | null {
  const gap = bytes.indexOf('\r\n\r\n')
  if (gap < 0) return null
  const head = bytes.subarray(0, gap).toString()
  const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1] ?? ''
  const name = /(?:^|;)\s*name="([^"]*)"/i.exec(disposition)?.[1]
  if (name === undefined) return null
  return {
    name,
    filename: /(?:^|;)\s*filename="([^"]*)"/i.exec(disposition)?.[1] ?? null,
    content_type: /^content-type:\s*(.+?)\s*$/im.exec(head)?.[1] ?? null,
    body: bytes.subarray(gap + 4),
  }
}
