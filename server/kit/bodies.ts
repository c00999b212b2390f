import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { textIn } from './charsets.ts'
import { formAsJson, isForm } from './forms.ts'
import { readXml } from './mapping/mapping.ts'
import { partsAsJson } from './multipart.ts'
import type { WebhookHeaders } from './signatures.ts'

/** What a body holds once it is unpacked, and as JSON text where it is a form, multipart or XML. */
export type Unpacked = { ok: true; body: Buffer } | { ok: false; reason: Unpackable; detail: string }
export type Unpackable = 'too_large' | 'unknown_encoding' | 'malformed'

type Unpack = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer

/** RFC 9110 has `deflate` in a zlib wrapping; some send it bare. */
const inflate: Unpack = (bytes, options) =>
  ((bytes[0] ?? 0) & 0x0f) === 8 ? inflateSync(bytes, options) : inflateRawSync(bytes, options)

const UNPACK: ReadonlyMap<string, Unpack> = new Map([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflate],
  ['br', brotliDecompressSync],
  ['zstd', zstdDecompressSync],
])

/** Twice is all that anybody does by mistake. */
const MOST_LAYERS = 2

export const isPacked = (headers: WebhookHeaders): boolean => encodingsOf(headers).length > 0

const encodingsOf = (headers: WebhookHeaders): string[] =>
  String(headers['content-encoding'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity')

/** Undoes `content-encoding`. What would grow past `limit` bytes is stopped there: a bomb costs no more than that. */
export function unpack(headers: WebhookHeaders, body: Buffer, limit: number): Unpacked {
  if (headers['content-encoding'] === undefined && body.length <= limit) return { ok: true, body }
  const encodings = encodingsOf(headers)
  const unknown = encodings.find((name) => !UNPACK.has(name))
  if (unknown !== undefined || encodings.length > MOST_LAYERS) {
    return {
      ok: false,
      reason: 'unknown_encoding',
      detail: `only ${[...UNPACK.keys()].join(', ')} are taken`,
    }
  }
  let bytes = body
  for (const name of encodings.reverse()) {
    try {
      bytes = UNPACK.get(name)?.(bytes, { maxOutputLength: limit }) ?? bytes
    } catch (error) {
      return explain(error, name, limit)
    }
  }
  return bytes.length > limit ? tooLarge(limit) : { ok: true, body: bytes }
}

const tooLarge = (limit: number): Unpacked => ({
  ok: false,
  reason: 'too_large',
  detail: `it unpacks to more than ${limit} bytes`,
})

const explain = (error: unknown, name: string, limit: number): Unpacked =>
  (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    ? tooLarge(limit)
    : { ok: false, reason: 'malformed', detail: `its content-encoding says ${name}, which it is not` }

/**
 * The body as text: JSON as it came; a form, multipart and XML as JSON. A field `json_in` of a form that holds the
 * event as JSON stands for the whole. Throws on XML that is none.
 */
export function textOf(
  headers: WebhookHeaders,
  body: Buffer,
  form: { json_in: string | null } | null,
): string {
  const type = String(headers['content-type'] ?? '')
  if (form && isForm(headers)) return formAsJson(body, form.json_in)
  const boundary = /^\s*multipart\/form-data\s*;.*\bboundary="?([^";]{1,70})"?/i.exec(type)?.[1]
  if (boundary !== undefined) return partsAsJson(body, boundary.trimEnd(), form?.json_in ?? null)
  if (!isXml(type)) return body.toString()
  const xml = textIn(body, type)
  if (xml === null) throw new Error('is neither UTF-8 nor what it says it is written in')
  return JSON.stringify(readXml(xml))
}

const isXml = (type: string): boolean => /^\s*(?:application|text)\/(?:[\w.-]+\+)?xml\s*(?:;|$)/i.test(type)
